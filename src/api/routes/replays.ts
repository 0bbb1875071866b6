import { createRoute, z } from '@hono/zod-openapi';
import { getEpisode } from '../../db/read/episodes.ts';
import { findEpisodeRuns, listHistories, listReplays } from '../../db/read/replays.ts';
import { contentPathOf } from '../../identity.ts';
import { AppError } from '../../errors.ts';
import { hasEnded } from '../../schemas/episode.ts';
import { sentenceOf } from '../../schemas/replay.ts';
import type { ReplayVerdict } from '../../schemas/replay.ts';
import type { ApiDeps } from '../deps.ts';
import { HistoryResource, ReplayResource } from '../resources.ts';
import { createRoutes, EpisodePath, json, problems, security } from '../route-parts.ts';

/** Builds and runs are few; an answer holds at most this many verdicts. */
const REPLAYS_MAX = 1_000;

const Replays = z.object({ state: z.enum(['running', 'done']), items: z.array(ReplayResource) });

const listRoute = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/replays',
  operationId: 'listReplays',
  summary: 'List the verdicts of replaying the episode’s runs, newest first: one for each run and build',
  tags: ['replays'],
  security,
  request: { params: EpisodePath },
  responses: { 200: json('The verdicts', z.object({ items: z.array(ReplayResource) })), ...problems(404) },
});

const startRoute = createRoute({
  method: 'post',
  path: '/v1/episodes/{id}/replays',
  operationId: 'startReplay',
  summary: 'Hold the workflow code against the episode’s history, without any effect',
  description:
    'Asking again while a replay runs answers that one; once this build has judged an ended episode, its verdicts.',
  tags: ['replays'],
  security,
  request: { params: EpisodePath },
  responses: {
    200: json('The verdicts of this build on an ended episode', Replays),
    202: json('It runs: the verdicts will be listed', Replays),
    ...problems(403, 404, 409),
  },
});

const historyRoute = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/history',
  operationId: 'listHistories',
  summary: 'List the archived histories of the episode’s runs, in the order in which they were archived',
  tags: ['replays'],
  security,
  request: { params: EpisodePath },
  responses: { 200: json('The histories', z.object({ items: z.array(HistoryResource) })), ...problems(404) },
});

/** Histories of runs, and replays of them. */
export function createReplayRoutes({ db, replays }: Pick<ApiDeps, 'db' | 'replays'>) {
  return createRoutes()
    .openapi(listRoute, async (c) => {
      const { id } = await getEpisode(db, c.req.valid('param').id);
      return c.json({ items: (await listReplays(db, { episode_id: id, limit: REPLAYS_MAX })).map(toReplay) }, 200);
    })
    .openapi(startRoute, async (c) => {
      const episode = await getEpisode(db, c.req.valid('param').id);
      if (episode.started_at === null)
        throw new AppError('failed_precondition', 'The episode has not begun: it has no history.');
      if (hasEnded(episode.status)) {
        const items = (await listReplays(db, { episode_id: episode.id, limit: REPLAYS_MAX })).filter(
          ({ build }) => build === replays.build,
        );
        const judged = new Set(items.map(({ run_id }) => run_id));
        const { runs = [] } = (await findEpisodeRuns(db, episode.id)) ?? {};
        if (runs.every((run) => judged.has(run)))
          return c.json({ state: 'done' as const, items: items.map(toReplay) }, 200);
      }
      await replays.start(episode);
      return c.json({ state: 'running' as const, items: [] }, 202);
    })
    .openapi(historyRoute, async (c) => {
      const { id } = await getEpisode(db, c.req.valid('param').id);
      const items = (await listHistories(db, id)).map((history) => ({
        ...history,
        href: contentPathOf(history.sha256),
      }));
      return c.json({ items }, 200);
    });
}

const toReplay = (verdict: ReplayVerdict) => ({ ...verdict, sentence: sentenceOf(verdict) });
