import type { Kysely } from 'kysely';
import { listExpiredEpisodes } from '../db/read/episodes.ts';
import { deleteEpisode, deleteMedia, noteForgotten } from '../db/write/deletion.ts';
import type { ForgottenNames } from '../db/write/deletion.ts';
import { AppError } from '../errors.ts';
import type { Database } from '../schemas/database.ts';
import type { DeletedEpisode } from '../schemas/episode.ts';
import type { LangfuseClient } from '../tracing/langfuse-client.ts';
import { heartbeating } from './heartbeat.ts';

/** Episodes that one activity takes on. */
const BATCH_MAX = 100;

export type EpisodeRetentionDeps = {
  db: Kysely<Database>;
  langfuse: LangfuseClient | null;
  /** Removes every run of a workflow from Temporal. */
  forgetRuns: (workflowId: string) => Promise<void>;
  /** After how many days log lines and videos go, and whole episodes; undefined: never. */
  policy: { media_days: number | undefined; episode_days: number | undefined };
};

/** The activities by which episodes are given up. */
export function createEpisodeRetentionActivities({ db, langfuse, forgetRuns, policy }: EpisodeRetentionDeps) {
  const outcomeOf = async (work: () => Promise<void>) =>
    work().then(
      () => 'forgotten' as const,
      (error: unknown) => {
        // At best effort: the tombstone says what still knows of it. Who is away now is asked again by the retry.
        if (AppError.from(error).code === 'cancelled') throw error;
        return 'failed' as const;
      },
    );
  return {
    /** Deletes an ended episode, asked for or by age; null where it is gone already. */
    deleteEpisode: heartbeating(
      async (request: { id: string; reason: DeletedEpisode['reason'] }): Promise<ForgottenNames | null> =>
        (await deleteEpisode(db, request)) ?? null,
    ),
    /**
     * Asks Temporal to forget a deleted episode, and notes on its tombstone what came of that, and that Langfuse is to be asked:
     * delivery does so, for many at once.
     */
    forgetElsewhere: heartbeating(async ({ id, workflow_id }: ForgottenNames) => {
      const others = {
        langfuse: langfuse ? ('owed' as const) : ('not_configured' as const),
        temporal: await outcomeOf(() => forgetRuns(workflow_id)),
      };
      await noteForgotten(db, { id, ...others });
      return others;
    }),
    /** Lets go of log lines and videos of episodes past their age, some at a time; returns how many episodes. */
    deleteExpiredMedia: heartbeating(async (_: null): Promise<number> => {
      if (policy.media_days === undefined) return 0;
      return (await deleteMedia(db, { days: policy.media_days, limit: BATCH_MAX })).length;
    }),
    /** Ids of episodes past their age, some at a time. */
    listExpiredEpisodes: heartbeating(async (after: string | null): Promise<string[]> => {
      if (policy.episode_days === undefined) return [];
      return listExpiredEpisodes(db, { days: policy.episode_days, limit: BATCH_MAX, after });
    }),
  };
}

/** Every activity by which episodes are given up. */
export type EpisodeRetentionActivities = ReturnType<typeof createEpisodeRetentionActivities>;
