import { createRoute, z } from '@hono/zod-openapi';
import { findAccepted } from '../../db/append/episodes.ts';
import type { Acceptance, Ancestry } from '../../db/append/episodes.ts';
import { getEpisode } from '../../db/read/episodes.ts';
import { checkPlace, findLastPlace } from '../../db/read/places.ts';
import type { LinePlace } from '../../db/read/places.ts';
import { AppError } from '../../errors.ts';
import type { Episode, StartEpisode } from '../../schemas/episode.ts';
import { acceptEpisode, headOf } from '../accept.ts';
import type { Accepted } from '../accept.ts';
import type { ApiDeps } from '../deps.ts';
import { jsonBody } from '../json-body.ts';
import { withLinks } from '../links.ts';
import { EpisodeResource, ForkRequest, RerunRequest } from '../resources.ts';
import { createRoutes, EpisodePath, IdempotencyKey, json, problems, ReplayedHeader, security } from '../route-parts.ts';

type Deps = Pick<
  ApiDeps,
  | 'db'
  | 'startEpisode'
  | 'checkRequest'
  | 'isPriced'
  | 'namespace'
  | 'code_version'
  | 'links'
  | 'logger'
  | 'reconstruction'
>;

const accepted = {
  202: {
    ...json('Accepted, or accepted before under this Idempotency-Key', EpisodeResource),
    headers: ReplayedHeader.extend({ location: z.string() }),
  },
  ...problems(403, 404, 409, 413, 415),
};

const forkRoute = createRoute({
  method: 'post',
  path: '/v1/episodes/{id}/fork',
  operationId: 'forkEpisode',
  summary: 'Begin a new episode that goes on after a step of this one, which stays as it is',
  tags: ['debugging'],
  security,
  middleware: jsonBody,
  request: {
    params: EpisodePath,
    headers: IdempotencyKey,
    body: { required: true, content: { 'application/json': { schema: ForkRequest } } },
  },
  responses: accepted,
});

const rerunRoute = createRoute({
  method: 'post',
  path: '/v1/episodes/{id}/rerun',
  operationId: 'rerunEpisode',
  summary:
    'Run an episode again as a new one, its answers taken from the record up to a step or the first that differs',
  tags: ['debugging'],
  security,
  middleware: jsonBody,
  request: {
    params: EpisodePath,
    headers: IdempotencyKey,
    body: { required: true, content: { 'application/json': { schema: RerunRequest } } },
  },
  responses: accepted,
});

/** New episodes that come from recorded ones. */
export function createForkRoutes(deps: Deps) {
  return createRoutes()
    .openapi(forkRoute, async (c) => {
      const source = await getEpisode(deps.db, c.req.valid('param').id);
      const { step, message, ...changes } = c.req.valid('json');
      const ancestry: Ancestry = {
        generation_kind: 'fork',
        parent_episode_id: source.id,
        forked_from_seq: step,
        recorded_until: null,
        message: message === undefined ? null : { author: c.get('author'), text: message },
      };
      const key = c.req.valid('header')['idempotency-key'] ?? null;
      const made = await accept(deps, acceptanceOf(deps, { source, changes, ancestry, key }), step);
      return c.json(made.resource, 202, headOf(made));
    })
    .openapi(rerunRoute, async (c) => {
      const source = await getEpisode(deps.db, c.req.valid('param').id);
      const { recorded_until, ...changes } = c.req.valid('json');
      const until = recorded_until ?? (await findLastPlace(deps.db, source.id));
      if (until === 0) throw new AppError('failed_precondition', 'The episode has recorded no answer yet.');
      const ancestry: Ancestry = {
        generation_kind: 'rerun',
        parent_episode_id: source.id,
        forked_from_seq: 0,
        recorded_until: until,
        message: null,
      };
      const key = c.req.valid('header')['idempotency-key'] ?? null;
      const made = await accept(deps, acceptanceOf(deps, { source, changes, ancestry, key }), until);
      return c.json(made.resource, 202, headOf(made));
    });
}

type Changes = Partial<Pick<StartEpisode, 'model' | 'seed'>>;
type From = {
  source: Episode;
  changes: { [K in keyof Changes]?: Changes[K] | undefined };
  ancestry: Ancestry;
  key: string | null;
};

/** What the source was started with, but for the changes. */
function acceptanceOf(
  { namespace, code_version, isPriced }: Deps,
  { source, changes, ancestry, key }: From,
): Acceptance {
  const { task, inputs, agent, approvals, tags, metadata, seed_id, seed_dataset } = source;
  const { model = source.model, seed = source.seed } = changes;
  const seeds = { ...(seed_id !== null && { seed_id }), ...(seed_dataset !== null && { seed_dataset }) };
  // A bound in dollars that its own model has no price for bounded nothing: it does not keep it from going on.
  const unbound = model === source.model && !isPriced(model);
  const budgets = unbound ? { ...source.budgets, usd: null } : source.budgets;
  const request = { task, inputs, agent, model, seed, budgets, approvals, tags, metadata, ...seeds };
  return { request, ancestry, namespace, idempotency_key: key, code_version };
}

/** Accepts what can be gone on from; the same key is answered without looking again, the source may have changed since. */
async function accept(deps: Deps, acceptance: Acceptance, seq: number): Promise<Accepted> {
  const earlier = await findAccepted(deps.db, acceptance);
  if (earlier) return { resource: withLinks(earlier, deps.links), replayed: true };
  const place: LinePlace = { episode_id: acceptance.ancestry?.parent_episode_id ?? '', seq };
  await checkPlace(deps.db, place);
  checkChanges(deps, acceptance.request);
  await deps.reconstruction.requireWhole(place);
  return acceptEpisode(deps, acceptance);
}

/** What the source was started with this deployment may no longer have, and a changed model may never have been there. */
function checkChanges({ checkRequest }: Deps, request: StartEpisode): void {
  try {
    checkRequest(request);
  } catch (error) {
    const { code, message } = AppError.from(error);
    throw code === 'invalid_argument' ? new AppError('failed_precondition', message, { cause: error }) : error;
  }
}
