import { insertEpisode } from '../../src/db/append/episodes.ts';
import { StartEpisode } from '../../src/schemas/episode.ts';
import type { Episode } from '../../src/schemas/episode.ts';
import type { Deployment } from './deployment.ts';

/** Begins a fork of an episode after step `seq`, as the API does once it has looked. */
export async function startFork(
  { database, config, workflows }: Deployment,
  parent: Episode,
  { seq, text }: { seq: number; text?: string | undefined },
): Promise<Episode> {
  const { task, inputs, agent, model, seed, budgets, approvals } = parent;
  const { episode } = await insertEpisode(database.db, {
    request: StartEpisode.parse({ task, inputs, agent, model, seed, budgets, approvals }),
    ancestry: {
      generation_kind: 'fork',
      parent_episode_id: parent.id,
      forked_from_seq: seq,
      recorded_until: null,
      message: text === undefined ? null : { author: 'ada', text },
    },
    namespace: config.temporal.namespace,
    idempotency_key: null,
    code_version: null,
  });
  await workflows.startEpisode(episode);
  return episode;
}
