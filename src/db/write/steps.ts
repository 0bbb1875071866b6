import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { ArtifactLink } from '../../schemas/artifact.ts';
import type { Database } from '../../schemas/database.ts';
import type { Failure } from '../../schemas/episode.ts';
import type { NewEvent } from '../../schemas/events/record.ts';
import type { Json } from '../../schemas/primitives.ts';
import type { Step, StepIdentity, StepKind, Usage } from '../../schemas/step.ts';
import { appendEvents } from '../append/events.ts';
import type { ModelInput } from '../../schemas/trace.ts';
import { toStepRow } from '../read/steps.ts';
import {
  addUsage,
  closeAttempt,
  closeLostAttempts,
  closingAttempt,
  isUnspoken,
  logLostAttempt,
  openAttempt,
  plusUsage,
} from './attempts.ts';
import type { Tryer } from './attempts.ts';
import { linkArtifacts } from './links.ts';
import { lockLine, overtaken } from './line.ts';
import { insertSpans } from './spans.ts';
import type { FreezeSpan } from './spans.ts';
import { NO_USAGE } from '../../schemas/step.ts';

type Tx = Transaction<Database>;

/** What is known of a step when it begins. */
export type StepDescription = {
  step_key: string;
  kind: StepKind;
  agent: string;
  node: string;
  name: string;
  input: Json;
  model: string | null;
  checkpoint_id: string | null;
  activity_id: string;
  span_id: string;
};

/** How a step ends. `usage` is what this attempt consumed: 0 where no model was called, null where nobody said how much. */
export type StepEnd = {
  status: 'ok' | 'error' | 'cancelled';
  output: Json;
  error: Failure | null;
  usage: Usage | null;
  artifacts: ArtifactLink[];
  /** The manifest of the workspace as this step left it; null where it cannot have changed it. */
  workspace: { sha256: string; size_bytes: number } | null;
  search_text: string | null;
  /** What a model was asked with, for its span alone; null or left out where none was. */
  model_input?: ModelInput | null;
  /** What it amounts to as events; what they keep as artifacts must lie in S3 already. */
  events?: NewEvent[];
  /** The hash of what the model or tool was asked. */
  asked_sha256?: string | null;
  /** The step whose recorded answer this is. */
  served_from?: string | null;
  /** How it ended, where the status does not say it. */
  status_detail?: string | null;
  /** How long the attempt that ends it worked. */
  worked_ms?: number;
};

/** A step that is now running under an attempt of ours, or one that had ended already: then its record is the answer. */
export type Begun = { state: 'running'; step: Step; attempt: number } | { state: 'ended'; step: Step };

/**
 * Transaction A of a step: inserts it as `running`, or finds it, and opens the next attempt; attempts that never ended
 * are closed as `lost`. A run that the episode has not seen takes its line over: other runs' steps from `seq` on become
 * superseded. Throws `not_found` for an unknown episode and `aborted` for a run that was overtaken.
 */
export async function beginStep(
  db: Kysely<Database>,
  options: { identity: StepIdentity; description: StepDescription; tryer: Tryer | null; freezeSpan: FreezeSpan },
): Promise<Begun> {
  const { identity, description, tryer, freezeSpan } = options;
  return db.transaction().execute(async (tx) => {
    const cursor = await lockLine(tx, identity, freezeSpan);
    const begun = await insertStep(tx, { identity, description, tryer, streamSeq: cursor.last() + 1 });
    if (begun) return { state: 'running', step: toStepRow(begun), attempt: begun.attempt_count };
    const step = await tx
      .selectFrom('steps')
      .selectAll()
      .where('episode_id', '=', identity.episode_id)
      .where('run_id', '=', identity.run_id)
      .where('seq', '=', identity.seq)
      .executeTakeFirstOrThrow();
    if (step.status !== 'running') return { state: 'ended', step: toStepRow(step) };
    if (step.superseded_by) throw overtaken(identity);
    const lost = await closeLostAttempts(tx, step.id);
    const attempt = tryer ? await openAttempt(tx, step.id, tryer) : step.attempt_count;
    for (const number of lost) await logLostAttempt(tx, step, { attempt: number, streamSeq: cursor.next() });
    await tx
      .updateTable('episodes')
      .set((e) => ({
        last_stream_seq: cursor.last(),
        attempt_count: e('attempt_count', '+', tryer ? 1 : 0),
        log_line_count: e('log_line_count', '+', lost.length),
      }))
      .where('id', '=', identity.episode_id)
      .execute();
    return { state: 'running', step: toStepRow({ ...step, attempt_count: attempt }), attempt };
  });
}

/**
 * Transaction B of a step: the first to end it wins, and everyone gets what it ended with. Ends step and attempt, links
 * its artifacts (whose objects must lie in S3 already), appends its events, puts its span in the outbox and adds to the
 * episode's sums.
 */
export async function endStep(
  db: Kysely<Database>,
  options: { step: Step; attempt: number; end: StepEnd; freezeSpan: FreezeSpan },
): Promise<Step> {
  const { step, attempt, end, freezeSpan } = options;
  return db.transaction().execute(async (tx) => {
    // The lock comes first, by itself: what is read after it is what its last holder left.
    const episode = await tx
      .selectFrom('episodes')
      .selectAll()
      .where('id', '=', step.episode_id)
      .forUpdate()
      .executeTakeFirstOrThrow();
    const now = toStepRow(await tx.selectFrom('steps').selectAll().where('id', '=', step.id).executeTakeFirstOrThrow());
    if (now.status !== 'running') {
      // Unless it has spoken before: then this is the same end again, after a lost acknowledgement.
      if (await isUnspoken(tx, step.id, attempt)) {
        await closeAttempt(tx, {
          step_id: step.id,
          attempt,
          status: 'lost',
          usage: end.usage,
          error: null,
          worked_ms: end.worked_ms ?? null,
        });
        await addUsage(tx, step, end.usage);
      }
      return now;
    }
    await linkArtifacts(tx, { stepId: step.id, attempt, end });
    if (now.attempt_count > 1) await closeLostAttempts(tx, step.id, attempt);
    const stream_seq = episode.last_stream_seq + 1;
    const appended = await appendEvents(tx, end.events ?? [], stream_seq);
    const events = appended.filter(({ outcome }) => outcome === 'created').length;
    const ended = await updateEnded(tx, { step, attempt, end, stream_seq, events });
    const endedStep = {
      episode,
      step: ended,
      attempt,
      artifacts: end.artifacts,
      model_input: end.model_input ?? null,
    };
    await insertSpans(tx, freezeSpan, endedStep);
    return ended;
  });
}

/** Ends the step and its attempt, and adds to the episode's sums. */
async function updateEnded(
  tx: Tx,
  {
    step: { id, episode_id },
    attempt,
    end,
    stream_seq,
    events,
  }: { step: Step; attempt: number; end: StepEnd; stream_seq: number; events: number },
): Promise<Step> {
  const { status, usage, error } = end;
  // An answer whose endpoint does not say what it used cost something all the same.
  const used = usage ?? { ...NO_USAGE, usd: status === 'ok' ? null : 0 };
  const row = await tx
    .with('closed', (query) =>
      closingAttempt(query, { step_id: id, attempt, status, usage, error, worked_ms: end.worked_ms ?? null }),
    )
    .with('counted', (query) =>
      query
        .updateTable('episodes')
        .set((e) => ({
          ...plusUsage(used),
          step_count: e('step_count', '+', 1),
          artifact_count: e('artifact_count', '+', end.artifacts.length),
          event_count: e('event_count', '+', events),
          last_stream_seq: stream_seq + events,
        }))
        .where('id', '=', episode_id),
    )
    .updateTable('steps')
    .set({
      ...plusUsage(used),
      status,
      status_detail: end.status_detail ?? null,
      output: JSON.stringify(end.output),
      error: error && JSON.stringify(error),
      ended_at: sql`clock_timestamp()`,
      ended_stream_seq: stream_seq,
      workspace_sha256: end.workspace?.sha256 ?? null,
      search_text: end.search_text,
      asked_sha256: end.asked_sha256 ?? null,
      served_from: end.served_from ?? null,
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return toStepRow(row);
}

/** Closes an attempt that failed while its step goes on: a later attempt will end it. Its usage (null: unknown) counts all the same. */
export async function failAttempt(
  db: Kysely<Database>,
  options: {
    step: Step;
    attempt: number;
    error: Failure;
    usage: Usage | null;
    worked_ms: number;
    /** In how long the next try is made, where somebody is waited for. */
    retry_ms: number | null;
  },
): Promise<void> {
  const { step, attempt, ...end } = options;
  await db.transaction().execute(async (tx) => {
    await tx.selectFrom('episodes').select('id').where('id', '=', step.episode_id).forUpdate().execute();
    await closeAttempt(tx, { step_id: step.id, attempt, status: 'error', ...end });
    await addUsage(tx, step, end.usage);
  });
}

/**
 * Inserts a step as `running` with its first attempt, and counts both; undefined, and nothing changed, where the run has
 * a step of this number.
 */
async function insertStep(
  tx: Tx,
  {
    identity,
    description,
    tryer,
    streamSeq,
  }: { identity: StepIdentity; description: StepDescription; tryer: Tryer | null; streamSeq: number },
) {
  const { input, ...described } = description;
  const { restore_epoch: _, ...place } = identity;
  const row = {
    ...place,
    ...described,
    id: uuidv7(),
    input: JSON.stringify(input),
    started_stream_seq: streamSeq,
    attempt_count: tryer ? 1 : 0,
  };
  const { worker, build, activity_attempt } = tryer ?? { worker: '', build: '', activity_attempt: 0 };
  return tx
    .with('step', (query) =>
      query
        .insertInto('steps')
        .values(row)
        .onConflict((conflict) => conflict.columns(['episode_id', 'run_id', 'seq']).doNothing())
        .returningAll(),
    )
    .with('opened', (query) =>
      query
        .insertInto('step_attempts')
        .columns(['step_id', 'attempt', 'worker', 'build', 'activity_attempt'])
        .expression((e) =>
          e
            .selectFrom('step')
            .select(['step.id', 'step.attempt_count'])
            .select(sql<string>`${worker}, ${build}, ${activity_attempt}::integer`.as('tryer'))
            .where('step.attempt_count', '>', 0),
        ),
    )
    .with('counted', (query) =>
      query
        .updateTable('episodes')
        .from('step')
        .set((e) => ({
          last_stream_seq: streamSeq,
          attempt_count: e('episodes.attempt_count', '+', e.ref('step.attempt_count')),
        }))
        .whereRef('episodes.id', '=', 'step.episode_id'),
    )
    .selectFrom('step')
    .selectAll()
    .executeTakeFirst();
}
