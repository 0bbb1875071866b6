import { randomUUID } from 'node:crypto';
import { createRoute } from '@hono/zod-openapi';
import type { z } from '@hono/zod-openapi';
import { insertPersonRequest } from '../../db/append/person-requests.ts';
import type { PersonRequest } from '../../db/append/person-requests.ts';
import { getEpisode } from '../../db/read/episodes.ts';
import { hasPersonSpoken } from '../../db/read/steps.ts';
import { AppError } from '../../errors.ts';
import { hasEnded } from '../../schemas/episode.ts';
import type { Episode } from '../../schemas/episode.ts';
import { messageStepKey } from '../../workflows/names.ts';
import type { ApiDeps } from '../deps.ts';
import { jsonBody } from '../json-body.ts';
import { withLinks } from '../links.ts';
import { AnswerRequest, EpisodeResource, MessageRequest, PauseRequest } from '../resources.ts';
import {
  createRoutes,
  EpisodePath,
  IdempotencyKey,
  json,
  problems,
  REPLAYED,
  ReplayedHeader,
  security,
} from '../route-parts.ts';

type Deps = Pick<
  ApiDeps,
  'db' | 'links' | 'startEpisode' | 'pauseEpisode' | 'resumeEpisode' | 'sendMessage' | 'answerStep'
>;

const body = <T extends z.ZodType>(schema: T) =>
  ({ required: true, content: { 'application/json': { schema } } }) as const;

const taken = { ...json('Taken by the episode, now or before', EpisodeResource), headers: ReplayedHeader };

const pauseRoute = createRoute({
  method: 'post',
  path: '/v1/episodes/{id}/pause',
  operationId: 'pauseEpisode',
  summary: 'Ask an episode to pause; it does so before its next thought, and its budget of time is not spent meanwhile',
  tags: ['people'],
  security,
  middleware: jsonBody,
  request: { params: EpisodePath, body: body(PauseRequest) },
  responses: { 202: json('Asked', EpisodeResource), ...problems(403, 404, 409, 413, 415) },
});

const resumeRoute = createRoute({
  method: 'post',
  path: '/v1/episodes/{id}/resume',
  operationId: 'resumeEpisode',
  summary: 'Let a paused episode go on; one that is not paused goes on as it does',
  tags: ['people'],
  security,
  request: { params: EpisodePath },
  responses: { 202: json('Asked', EpisodeResource), ...problems(403, 404, 409) },
});

const messageRoute = createRoute({
  method: 'post',
  path: '/v1/episodes/{id}/messages',
  operationId: 'sendMessage',
  summary:
    'Send the agents a message, which is delivered before their next thought; under the same id or Idempotency-Key it is delivered once, and other words are refused',
  tags: ['people'],
  security,
  middleware: jsonBody,
  request: { params: EpisodePath, headers: IdempotencyKey, body: body(MessageRequest) },
  responses: { 202: taken, ...problems(403, 404, 409, 413, 415) },
});

const answerRoute = createRoute({
  method: 'post',
  path: '/v1/episodes/{id}/answers',
  operationId: 'answerStep',
  summary:
    'Answer the question or approval that a step waits for; under the same Idempotency-Key it is answered once, and another answer is refused',
  tags: ['people'],
  security,
  middleware: jsonBody,
  request: { params: EpisodePath, headers: IdempotencyKey, body: body(AnswerRequest) },
  responses: { 202: taken, ...problems(403, 404, 409, 413, 415) },
});

/** What people do in a running episode. Its author is the name of the API key. */
export function createPeopleRoutes(deps: Deps) {
  const findRunning = async (id: string) => getRunning(deps, await getEpisode(deps.db, id));
  const asItIs = async ({ id }: Episode) => withLinks(await getEpisode(deps.db, id), deps.links);
  return createRoutes()
    .openapi(pauseRoute, async (c) => {
      const episode = await getEpisode(deps.db, c.req.valid('param').id);
      const said = { author: c.get('author'), text: c.req.valid('json').reason };
      await say(deps, episode, { kind: 'pause', id: randomUUID(), said });
      return c.json(await asItIs(episode), 202);
    })
    .openapi(resumeRoute, async (c) => {
      const episode = await findRunning(c.req.valid('param').id);
      await deps.resumeEpisode(episode, { author: c.get('author') });
      return c.json(await asItIs(episode), 202);
    })
    .openapi(messageRoute, async (c) => {
      const episode = await getEpisode(deps.db, c.req.valid('param').id);
      const { id: own, text } = c.req.valid('json');
      const id = own ?? c.req.valid('header')['idempotency-key'] ?? randomUUID();
      const replayed = await say(deps, episode, { kind: 'message', id, said: { author: c.get('author'), text } });
      return c.json(await asItIs(episode), 202, replayed ? REPLAYED : {});
    })
    .openapi(answerRoute, async (c) => {
      const episode = await getEpisode(deps.db, c.req.valid('param').id);
      const id = c.req.valid('header')['idempotency-key'] ?? randomUUID();
      const said = { author: c.get('author'), ...c.req.valid('json') };
      const replayed = await say(deps, episode, { kind: 'answer', id, said });
      return c.json(await asItIs(episode), 202, replayed ? REPLAYED : {});
    });
}

/**
 * Sends it once: what is on record already is not sent again, also when the run that received it is over. The words are written
 * first; the workflow is told who spoke and where they stand. Whether it was sent before.
 */
async function say(deps: Deps, episode: Episode, request: PersonRequest): Promise<boolean> {
  const { id } = request;
  const { replayed } = await insertPersonRequest(deps.db, episode.id, request);
  if (replayed && request.kind !== 'pause') {
    const which = request.kind === 'message' ? { step_key: messageStepKey(id) } : { seq: request.said.step };
    if (await hasPersonSpoken(deps.db, episode.id, which)) return true;
  }
  const running = await getRunning(deps, episode);
  const { author } = request.said;
  if (request.kind === 'message') await deps.sendMessage(running, { id, author });
  else if (request.kind === 'pause') await deps.pauseEpisode(running, { id, author });
  else {
    const { step, approve } = request.said;
    await deps.answerStep(running, { id, author, step, approve });
  }
  return replayed;
}

/** The episode, with a workflow that receives. Throws failed_precondition once it has ended. */
async function getRunning({ startEpisode }: Deps, episode: Episode): Promise<Episode> {
  if (hasEnded(episode.status)) throw new AppError('failed_precondition', 'The episode has ended already.');
  // One that was accepted and not started yet is started first: before that nobody listens.
  if (episode.status === 'queued') await startEpisode(episode);
  return episode;
}
