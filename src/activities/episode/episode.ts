import { Context } from '@temporalio/activity';
import type { Kysely } from 'kysely';
import { readRestoreEpoch } from '../../db/read/deployment.ts';
import { findStep } from '../../db/read/steps.ts';
import { beginEpisode, endEpisode } from '../../db/write/episodes.ts';
import { requireEpoch } from '../../db/write/line.ts';
import { beginStep, endStep } from '../../db/write/steps.ts';
import type { AskedChannel } from '../../alerts/asked.ts';
import { findEpisodeOrigin } from '../../db/read/episodes.ts';
import { insertItems } from '../../db/write/spans.ts';
import type { FreezeSpan } from '../../db/write/spans.ts';
import type { FrozenItem } from '../../schemas/trace.ts';
import type { BegunLine } from '../../tracing/root-spans.ts';
import type { Database } from '../../schemas/database.ts';
import { spanIdOf, traceIdOf } from '../../identity.ts';
import type { EpisodeOutcome, SettleRequest } from '../../schemas/turn.ts';
import type { createAdvanceActivity } from './advance.ts';
import type { createCallToolActivities } from './call-tool.ts';
import { heartbeating } from '../heartbeat.ts';
import type { createPeopleActivities } from './people.ts';
import type { createResumeActivity } from './resume.ts';
import { NO_USAGE } from '../../schemas/step.ts';

export type EpisodeRecordDeps = {
  db: Kysely<Database>;
  freezeSpan: FreezeSpan;
  asked: Pick<AskedChannel, 'clear'>;
  /** Makes the root span of an episode that has begun. */
  freezeBegun: (line: BegunLine) => FrozenItem;
  namespace: string;
};

/** The activities that keep the episode's own record: its beginning, its end, and steps that could not end themselves. */
export function createEpisodeRecordActivities({ db, freezeSpan, freezeBegun, asked, namespace }: EpisodeRecordDeps) {
  return {
    /**
     * Marks the episode as running under this workflow run; returns the record's epoch. One that goes on from another run
     * says in which epoch that began, and is refused (aborted) where the record was restored since.
     */
    beginEpisode: heartbeating(async (episodeId: string, runId: string, began?: number): Promise<number> => {
      const restore_epoch = await readRestoreEpoch(db);
      if (began !== undefined) requireEpoch(began, restore_epoch);
      await beginEpisode(db, episodeId, runId);
      await listAsRunning(db, episodeId, { runId, freezeBegun });
      return restore_epoch;
    }),

    /** Ends the episode with its outcome; refused (aborted) for a run of an older epoch, and for one that was overtaken. */
    endEpisode: heartbeating(async (episodeId: string, outcome: EpisodeOutcome, began?: number): Promise<void> => {
      requireEpoch(began, await readRestoreEpoch(db));
      const run_id = Context.current().info.workflowExecution?.runId;
      await endEpisode(db, episodeId, { ...outcome, run_id });
      // Also what a step that was cancelled or taken back had asked.
      await asked.clear(episodeId);
    }),

    /** Ends a step that no attempt ended: its activity never began, or gave up for good. One that has ended stays as it is. */
    settleStep: heartbeating(async ({ step: identity, step_key, kind, name, status, error }: SettleRequest) => {
      const trace_id = traceIdOf(namespace, identity.episode_id);
      const parent =
        identity.parent_seq === null ? undefined : await findStep(db, identity.episode_id, identity.parent_seq);
      const agent = parent?.agent ?? 'unknown';
      const begun = await beginStep(db, {
        identity,
        description: {
          step_key,
          kind,
          agent,
          node: identity.parent_seq === null ? 'unknown' : 'tools',
          name,
          input: null,
          model: null,
          checkpoint_id: null,
          activity_id: Context.current().info.activityId,
          span_id: spanIdOf(trace_id, identity.run_id, step_key),
        },
        tryer: null,
        freezeSpan,
      });
      if (begun.state === 'ended') return;
      const usage = NO_USAGE;
      const end = { status, output: null, error, usage, artifacts: [], workspace: null, search_text: error.message };
      await endStep(db, { step: begun.step, attempt: 0, end, freezeSpan });
    }),
  };
}

/** Sends Langfuse the root of an episode that runs. Only its first line of runs: the others begin where their first step does. */
async function listAsRunning(
  db: Kysely<Database>,
  id: string,
  { runId: run, freezeBegun }: { runId: string; freezeBegun: EpisodeRecordDeps['freezeBegun'] },
): Promise<void> {
  const origin = await findEpisodeOrigin(db, id);
  if (!origin || origin.runs[0] !== run || origin.episode.ended_at !== null) return;
  const { episode } = origin;
  const begun = freezeBegun({ episode, run, started_at: episode.started_at ?? episode.created_at });
  await insertItems(db, { episode_id: id, step_id: null }, [begun]);
}

/** Every activity that an episode's workflow calls. */
export type EpisodeActivities = ReturnType<typeof createAdvanceActivity> &
  ReturnType<typeof createResumeActivity> &
  ReturnType<typeof createCallToolActivities> &
  ReturnType<typeof createPeopleActivities> &
  ReturnType<typeof createEpisodeRecordActivities>;
