import type { Kysely } from 'kysely';
import { listUnstartedEpisodes } from '../db/read/episodes.ts';
import { deleteUnheardWords } from '../db/write/person-words.ts';
import type { Database } from '../schemas/database.ts';
import type { Episode } from '../schemas/episode.ts';
import { heartbeating } from './heartbeat.ts';

/** An episode is given this long to be started by the call that accepted it. */
const ACCEPTED_AGE_S = 10;
const BATCH_MAX = 100;
/** Words that no run heard are kept so long after the end: a reset may still bring a run that hears them. */
const UNHEARD_AGE_S = 24 * 3_600;
const UNHEARD_BATCH_MAX = 10_000;

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

    /** Gives up what people said to episodes that have ended since, and no run heard: it was refused, or never arrived. Returns how many. */
    sweepUnheardWords: heartbeating(async (): Promise<number> =>
      deleteUnheardWords(db, { age_s: UNHEARD_AGE_S, limit: UNHEARD_BATCH_MAX }),
    ),
  };
}

/** Every activity of the sweeps. */
export type SweepActivities = ReturnType<typeof createSweepActivities>;
