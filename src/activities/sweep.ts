import type { Kysely } from 'kysely';
import { listUnstartedEpisodes } from '../db/read/episodes.ts';
import type { Database } from '../schemas/database.ts';
import type { Episode } from '../schemas/episode.ts';
import { heartbeating } from './heartbeat.ts';

/** An episode is given this long to be started by the call that accepted it. */
const ACCEPTED_AGE_S = 10;
const BATCH_MAX = 100;

export type SweepDeps = { db: Kysely<Database>; startEpisode: (episode: Episode) => Promise<void> };

/** The activities of the sweeps. */
export function createSweepActivities({ db, startEpisode }: SweepDeps) {
  return {
    /** Starts the workflows of accepted episodes that have none; starting one twice starts it once. Returns how many. */
    startUnstartedEpisodes: heartbeating(async (): Promise<number> => {
      const episodes = await listUnstartedEpisodes(db, { age_s: ACCEPTED_AGE_S, limit: BATCH_MAX });
      for (const episode of episodes) await startEpisode(episode);
      return episodes.length;
    }),
  };
}

/** Every activity of the sweeps. */
export type SweepActivities = ReturnType<typeof createSweepActivities>;
