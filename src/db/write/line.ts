import { sql } from 'kysely';
import type { Selectable, Transaction } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { EpisodeStatus } from '../../schemas/episode.ts';
import type { StepIdentity } from '../../schemas/step.ts';
import { toStepRow } from '../read/steps.ts';
import { closeLostAttempts } from './attempts.ts';
import { insertSpans } from './spans.ts';
import type { FreezeSpan } from './spans.ts';

type Tx = Transaction<Database>;

/** The statuses of an episode that a run is on its way with. */
const MOVING: ReadonlySet<EpisodeStatus> = new Set(['queued', 'running']);

/** What a run that begins to work makes of its episode: one that was reset after its end has not ended any more. */
export const reopened = (run_id: string) => ({
  status: 'running' as const,
  run_id,
  ended_at: null,
  terminal_reason: null,
  failure_class: null,
  failure: null,
  stuck: null,
  reopened_by: sql<string[]>`case when ended_at is null then reopened_by else reopened_by || ${run_id}::text end`,
});

/** Gives out numbers of an episode's stream; the caller writes the last one back to the row that it has locked. */
export type StreamCursor = { next: () => number; last: () => number };

/**
 * Locks the episode's row and lets only its newest run pass. A run that the episode has not seen takes its line over: other
 * runs' steps from this one on become superseded. Throws not_found, or aborted for a run that was overtaken or that
 * belongs to the record as it was before it was restored.
 */
export async function lockLine(tx: Tx, identity: StepIdentity, freezeSpan: FreezeSpan): Promise<StreamCursor> {
  const { episode_id, run_id } = identity;
  const locked = await tx
    .selectFrom('episodes')
    .selectAll()
    .select((e) => [
      e.selectFrom('deployment').select('restore_epoch').as('restore_epoch'),
      e.selectFrom('deployment').select('restored_at').as('restored_at'),
    ])
    .where('id', '=', episode_id)
    .forUpdate()
    .executeTakeFirst();
  if (!locked) throw new AppError('not_found', `no episode ${episode_id}`);
  const { restore_epoch, restored_at, ...episode } = locked;
  requireEpoch(identity.restore_epoch, restore_epoch ?? 0);
  let last = episode.last_stream_seq;
  const cursor: StreamCursor = { next: () => (last += 1), last: () => last };
  if (!episode.runs.includes(run_id))
    await takeOver(tx, identity, { freezeSpan, next: cursor.next, episode, restored_at });
  else if (episode.runs.at(-1) !== run_id) throw overtaken(identity);
  return cursor;
}

/** Throws aborted for a run of an older epoch: its history is that of a record which is lost. */
export function requireEpoch(run_epoch: number | undefined, record_epoch: number): void {
  if ((run_epoch ?? 0) >= record_epoch) return;
  throw new AppError(
    'aborted',
    `the run began before the record was restored (epoch ${record_epoch}): it may write no more`,
  );
}

/** What taking a line over depends on: the episode as it is, and when its record was restored, if it was. */
type TakenOver = {
  freezeSpan: FreezeSpan;
  next: () => number;
  episode: Selectable<Database['episodes']>;
  restored_at: string | null;
};

/** Ends steps that nobody works on any more, with the attempts that are open, and puts their spans into the outbox. */
export async function closeAsLost(
  tx: Tx,
  stepIds: readonly string[],
  { freezeSpan, next, episode, restored_at }: TakenOver,
): Promise<void> {
  for (const id of stepIds) {
    await closeLostAttempts(tx, id);
    const lost = await tx
      .updateTable('steps')
      .set({ status: 'lost', ended_at: sql`clock_timestamp()`, ended_stream_seq: next() })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    // It may have ended, and been sent to Langfuse, in the record that was lost.
    const doubtful = restored_at !== null && lost.started_at < restored_at;
    const ended = { episode, step: toStepRow(lost), attempt: 0, artifacts: [], model_input: null, doubtful };
    await insertSpans(tx, freezeSpan, ended);
  }
}

/** The error of a run that another has overtaken. */
export function overtaken({ episode_id, run_id, seq }: StepIdentity): AppError {
  return new AppError(
    'aborted',
    `run ${run_id} of episode ${episode_id} was overtaken by another at or before step ${seq}`,
  );
}

async function takeOver(
  tx: Tx,
  identity: StepIdentity,
  { freezeSpan, next, episode, restored_at }: TakenOver,
): Promise<void> {
  const { episode_id, run_id, seq } = identity;
  const abandoned = await tx
    .updateTable('steps')
    .set({ superseded_by: run_id })
    .where('episode_id', '=', episode_id)
    .where('superseded_by', 'is', null)
    .where('seq', '>=', seq)
    .returningAll()
    .execute();
  const running = abandoned.filter(({ status }) => status === 'running').map(({ id }) => id);
  await closeAsLost(tx, running, { freezeSpan, next, episode, restored_at });
  const ended = abandoned.filter(({ status }) => status !== 'running').length;
  await tx
    .updateTable('episodes')
    .set((e) => ({
      run_id,
      // Reset after it had ended, or while it waited: a status of its own place in the stream.
      ...(MOVING.has(episode.status) ? {} : { ...reopened(run_id), last_stream_seq: next() }),
      runs: sql`runs || ${run_id}::text`,
      step_count: e('step_count', '-', ended),
    }))
    .where('id', '=', episode_id)
    .execute();
}
