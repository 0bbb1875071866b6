import { createRoute, z } from '@hono/zod-openapi';
import { listMissingArtifacts } from '../../db/read/artifacts.ts';
import { getEpisode, listEpisodes } from '../../db/read/episodes.ts';
import { listWaiting } from '../../db/read/waiting.ts';
import { AppError } from '../../errors.ts';
import { budgetsOf, hasEnded } from '../../schemas/episode.ts';
import type { EpisodeInput, StartEpisode } from '../../schemas/episode.ts';
import { acceptEpisode, headOf } from '../accept.ts';
import { episodeCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { EpisodeQuery, toFilter } from '../episode-query.ts';
import { jsonBody } from '../json-body.ts';
import { withLinks } from '../links.ts';
import { RefusedRequest } from '../problem.ts';
import { EpisodeResource, NewEpisode, pageOf } from '../resources.ts';
import {
  createRoutes,
  EpisodePath,
  IdempotencyKey,
  json,
  Limit,
  PAGE_LIMIT_DEFAULT,
  problems,
  ReplayedHeader,
  security,
  toPage,
} from '../route-parts.ts';

type Deps = Pick<
  ApiDeps,
  | 'db'
  | 'startEpisode'
  | 'cancelEpisode'
  | 'deleteEpisode'
  | 'checkRequest'
  | 'chooseModel'
  | 'isPriced'
  | 'namespace'
  | 'code_version'
  | 'links'
  | 'logger'
>;

/** How an id begins, with its hyphens or without. */
const IdPrefix = z.string().regex(/^[0-9a-fA-F-]{1,36}$/, 'must be the beginning of an id');

const ofNewEpisode = { parameters: { id: '$response.body#/id' } };
const links = Object.fromEntries(
  [
    'getEpisode',
    'listSteps',
    'listLogs',
    'listEpisodeArtifacts',
    'cancelEpisode',
    'pauseEpisode',
    'resumeEpisode',
    'sendMessage',
    'answerStep',
    'forkEpisode',
    'rerunEpisode',
    'rewindEpisode',
    'reproduceEpisode',
    'getWorkspace',
    'getConversation',
  ].map((operationId) => [operationId, { operationId, ...ofNewEpisode }]),
);

const startRoute = createRoute({
  method: 'post',
  path: '/v1/episodes',
  operationId: 'startEpisode',
  summary: 'Accept an episode; it starts as soon as Temporal and a worker are there',
  tags: ['episodes'],
  security,
  middleware: jsonBody,
  request: {
    headers: IdempotencyKey,
    body: { required: true, content: { 'application/json': { schema: NewEpisode } } },
  },
  responses: {
    202: {
      ...json('Accepted, or accepted before under this Idempotency-Key', EpisodeResource),
      headers: ReplayedHeader.extend({ location: z.string() }),
      links,
    },
    ...problems(403, 409, 413, 415),
  },
});

const listRoute = createRoute({
  method: 'get',
  path: '/v1/episodes',
  operationId: 'listEpisodes',
  summary: 'List episodes, newest first',
  tags: ['episodes'],
  security,
  request: {
    query: EpisodeQuery.extend({
      id_prefix: IdPrefix.optional(),
      cursor: episodeCursor.schema.optional(),
      limit: Limit.optional(),
    }),
  },
  responses: { 200: json('A page of episodes', pageOf(EpisodeResource)), ...problems() },
});

const getRoute = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}',
  operationId: 'getEpisode',
  summary: 'Read an episode',
  tags: ['episodes'],
  security,
  request: { params: EpisodePath },
  responses: { 200: json('The episode', EpisodeResource), ...problems(404) },
});

const cancelRoute = createRoute({
  method: 'post',
  path: '/v1/episodes/{id}/cancel',
  operationId: 'cancelEpisode',
  summary: 'Ask an episode to stop; it ends as cancelled when its work in progress has been recorded',
  tags: ['episodes'],
  security,
  request: { params: EpisodePath },
  responses: { 202: json('Asked', EpisodeResource), ...problems(403, 404, 409) },
});

const deleteRoute = createRoute({
  method: 'delete',
  path: '/v1/episodes/{id}',
  operationId: 'deleteEpisode',
  summary:
    'Delete an ended episode with its steps, logs, traces and, where nothing else refers to them, its files; once that is done it answers 404',
  tags: ['episodes'],
  security,
  request: { params: EpisodePath },
  responses: { 202: json('It is being deleted', EpisodeResource), ...problems(403, 404, 409) },
});

/** Starting, listing, reading, cancelling and deleting episodes. */
export function createEpisodeRoutes(deps: Deps) {
  const { db } = deps;
  return createRoutes()
    .openapi(startRoute, async (c) => {
      const asked = c.req.valid('json');
      const model = asked.model ?? deps.chooseModel(asked);
      const request: StartEpisode = { ...asked, model, budgets: budgetsOf(asked.budgets, deps.isPriced(model)) };
      deps.checkRequest(request);
      requireDistinctPaths(request.inputs);
      await requireInputs(deps, request.inputs);
      const { namespace, code_version } = deps;
      const idempotency_key = c.req.valid('header')['idempotency-key'] ?? null;
      const accepted = await acceptEpisode(deps, { request, namespace, idempotency_key, code_version });
      return c.json(accepted.resource, 202, headOf(accepted));
    })
    .openapi(listRoute, async (c) => {
      const { id_prefix, cursor, limit = PAGE_LIMIT_DEFAULT, ...filter } = c.req.valid('query');
      const rows = await listEpisodes(db, {
        ...toFilter(filter),
        ...(id_prefix !== undefined && { id_prefix }),
        limit: limit + 1,
        ...(cursor && { before: episodeCursor.decode(cursor) }),
      });
      const { items, next_cursor } = toPage(rows, limit, ({ id }) => episodeCursor.encode(id));
      return c.json({ items: items.map((episode) => withLinks(episode, deps.links)), next_cursor }, 200);
    })
    .openapi(getRoute, async (c) => {
      const episode = await getEpisode(db, c.req.valid('param').id);
      const [waiting_for] = episode.ended_at === null ? await listWaiting(db, episode.id) : [];
      return c.json({ ...withLinks(episode, deps.links), ...(waiting_for && { waiting_for }) }, 200);
    })
    .openapi(cancelRoute, async (c) => {
      const episode = await getEpisode(db, c.req.valid('param').id);
      if (hasEnded(episode.status)) throw new AppError('failed_precondition', 'The episode has ended already.');
      await deps.cancelEpisode(episode);
      return c.json(withLinks(await getEpisode(db, episode.id), deps.links), 202);
    })
    .openapi(deleteRoute, async (c) => {
      const episode = await getEpisode(db, c.req.valid('param').id);
      if (episode.ended_at === null)
        throw new AppError('failed_precondition', 'The episode has not ended: cancel it first.');
      await deps.deleteEpisode(episode);
      return c.json(withLinks(episode, deps.links), 202);
    });
}

/** Throws RefusedRequest that names every input which would lie where an earlier one lies. */
function requireDistinctPaths(inputs: EpisodeInput[]): void {
  const first = new Map<string, number>();
  const errors = inputs.flatMap(({ path }, index) => {
    const earlier = first.get(path);
    if (earlier === undefined) first.set(path, index);
    const message = `is the path of input ${earlier} too`;
    return earlier === undefined ? [] : [{ in: 'body', pointer: `/inputs/${index}/path`, code: 'duplicate', message }];
  });
  if (errors.length > 0)
    throw new RefusedRequest('failed_precondition', 'Every input needs a path of its own.', errors);
}

/** Throws RefusedRequest that names every input whose artifact is not stored. */
async function requireInputs({ db }: Deps, inputs: EpisodeInput[]): Promise<void> {
  const missing = new Set(await listMissingArtifacts(db, [...new Set(inputs.map(({ sha256 }) => sha256))]));
  if (missing.size === 0) return;
  const errors = inputs.flatMap(({ sha256 }, index) =>
    missing.has(sha256)
      ? [{ in: 'body', pointer: `/inputs/${index}/sha256`, code: 'not_found', message: 'no artifact has this hash' }]
      : [],
  );
  throw new RefusedRequest(
    'failed_precondition',
    'Some inputs are not stored: PUT them to /v1/artifacts/{sha256} first.',
    errors,
  );
}
