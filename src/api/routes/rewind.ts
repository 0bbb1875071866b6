import { randomUUID } from 'node:crypto';
import { createRoute } from '@hono/zod-openapi';
import { getEpisode } from '../../db/read/episodes.ts';
import { checkPlace } from '../../db/read/places.ts';
import { findRunAt } from '../../db/read/steps.ts';
import { AppError } from '../../errors.ts';
import type { ApiDeps } from '../deps.ts';
import { jsonBody } from '../json-body.ts';
import { withLinks } from '../links.ts';
import { EpisodeResource, RewindRequest } from '../resources.ts';
import { createRoutes, EpisodePath, IdempotencyKey, json, problems, security } from '../route-parts.ts';

const rewindRoute = createRoute({
  method: 'post',
  path: '/v1/episodes/{id}/rewind',
  operationId: 'rewindEpisode',
  summary:
    'Take an episode back to a step, also one that has ended: it goes on from there, and what came later is superseded',
  tags: ['debugging'],
  security,
  middleware: jsonBody,
  request: {
    params: EpisodePath,
    headers: IdempotencyKey,
    body: { required: true, content: { 'application/json': { schema: RewindRequest } } },
  },
  responses: { 202: json('It goes back', EpisodeResource), ...problems(403, 404, 409, 413, 415) },
});

/** Going back in an episode itself. */
export function createRewindRoutes({ db, links, rewindEpisode }: Pick<ApiDeps, 'db' | 'links' | 'rewindEpisode'>) {
  return createRoutes().openapi(rewindRoute, async (c) => {
    const episode = await getEpisode(db, c.req.valid('param').id);
    const { step } = c.req.valid('json');
    await checkPlace(db, { episode_id: episode.id, seq: step });
    const parents = episode.forked_from_seq ?? 0;
    if (step < parents)
      throw new AppError(
        'failed_precondition',
        `The steps up to ${parents} are those of episode ${episode.parent_episode_id}: fork that one instead.`,
      );
    const run_id = await findRunAt(db, episode.id, step);
    if (run_id === undefined) throw new AppError('failed_precondition', 'The episode has not begun yet.');
    const request_id = c.req.valid('header')['idempotency-key'] ?? randomUUID();
    await rewindEpisode(episode, { seq: step, run_id, request_id });
    return c.json(withLinks(await getEpisode(db, episode.id), links), 202);
  });
}
