import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { ArtifactLink } from '../../schemas/artifact.ts';
import type { Database } from '../../schemas/database.ts';
import type { Failure } from '../../schemas/episode.ts';
import type { NewEvent } from '../../schemas/events/record.ts';
import type { Json } from '../../schemas/primitives.ts';
import type { Step, StepIdentity, StepKind, Usage } from '../../schemas/step.ts';
import { insertArtifacts } from '../append/artifacts.ts';
import { appendEvents } from '../append/events.ts';
import type { Heard } from '../../schemas/trace.ts';
import { toStepRow } from '../read/steps.ts';
import { addUsage, closeAttempt, closeLostAttempts, isUnspoken, logLostAttempt, openAttempt } from './attempts.ts';
import type { Tryer } from './attempts.ts';
import { lockLine, overtaken } from './line.ts';
import { notifyEpisode } from './notify.ts';
import { insertSpans } from './spans.ts';
import type { FreezeSpan } from './spans.ts';

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
  heard?: Heard | null;
  /** What it amounts to as events; what they keep as artifacts must lie in S3 already. */
  events?: NewEvent[];
  /** The hash of what the model or tool was asked. */
  asked_sha256?: string | null;
  /** The step whose recorded answer this is. */
  served_from?: string | null;
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
    const found = await tx
      .selectFrom('steps')
      .selectAll()
      .where('episode_id', '=', identity.episode_id)
      .where('run_id', '=', identity.run_id)
      .where('seq', '=', identity.seq)
      .executeTakeFirst();
    if (found && found.status !== 'running') return { state: 'ended', step: toStepRow(found) };
    if (found?.superseded_by) throw overtaken(identity);
    const step = found ?? (await insertStep(tx, { identity, description, streamSeq: cursor.next() }));
    const lost = found ? await closeLostAttempts(tx, step.id) : [];
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
    await notifyEpisode(tx, identity.episode_id);
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
    const { last_stream_seq } = await tx
      .updateTable('episodes')
      .set((e) => ({ last_stream_seq: e('last_stream_seq', '+', 1) }))
      .where('id', '=', step.episode_id)
      .returning('last_stream_seq')
      .executeTakeFirstOrThrow();
    const now = toStepRow(await tx.selectFrom('steps').selectAll().where('id', '=', step.id).executeTakeFirstOrThrow());
    if (now.status !== 'running') {
      // Unless it has spoken before: then this is the same end again, after a lost acknowledgement.
      if (await isUnspoken(tx, step.id, attempt)) {
        await closeAttempt(tx, { step_id: step.id, attempt, status: 'lost', usage: end.usage, error: null });
        await addUsage(tx, step, end.usage);
      }
      return now;
    }
    await linkArtifacts(tx, { stepId: step.id, attempt, end });
    await closeLostAttempts(tx, step.id, attempt);
    await closeAttempt(tx, { step_id: step.id, attempt, status: end.status, usage: end.usage, error: end.error });
    await addUsage(tx, step, end.usage);
    const ended = toStepRow(
      await tx
        .updateTable('steps')
        .set({
          status: end.status,
          output: JSON.stringify(end.output),
          error: end.error && JSON.stringify(end.error),
          ended_at: sql`clock_timestamp()`,
          ended_stream_seq: last_stream_seq,
          workspace_sha256: end.workspace?.sha256 ?? null,
          search_text: end.search_text,
          asked_sha256: end.asked_sha256 ?? null,
          served_from: end.served_from ?? null,
        })
        .where('id', '=', step.id)
        .returningAll()
        .executeTakeFirstOrThrow(),
    );
    await insertSpans(tx, freezeSpan, { step: ended, attempt, artifacts: end.artifacts, heard: end.heard ?? null });
    const appended = await appendEvents(tx, end.events ?? [], last_stream_seq);
    const events = appended.filter(({ outcome }) => outcome === 'created').length;
    await tx
      .updateTable('episodes')
      .set((e) => ({
        step_count: e('step_count', '+', 1),
        artifact_count: e('artifact_count', '+', end.artifacts.length),
        event_count: e('event_count', '+', events),
        last_stream_seq: e('last_stream_seq', '+', events),
      }))
      .where('id', '=', step.episode_id)
      .execute();
    await notifyEpisode(tx, step.episode_id);
    return ended;
  });
}

/** Closes an attempt that failed while its step goes on: a later attempt will end it. Its usage (null: unknown) counts all the same. */
export async function failAttempt(
  db: Kysely<Database>,
  options: { step: Step; attempt: number; error: Failure; usage: Usage | null },
): Promise<void> {
  const { step, attempt, error, usage } = options;
  await db.transaction().execute(async (tx) => {
    await tx.selectFrom('episodes').select('id').where('id', '=', step.episode_id).forUpdate().execute();
    await closeAttempt(tx, { step_id: step.id, attempt, status: 'error', usage, error });
    await addUsage(tx, step, usage);
  });
}

async function insertStep(
  tx: Tx,
  { identity, description, streamSeq }: { identity: StepIdentity; description: StepDescription; streamSeq: number },
) {
  const { input, ...described } = description;
  const { restore_epoch: _, ...place } = identity;
  return tx
    .insertInto('steps')
    .values({ ...place, ...described, id: uuidv7(), input: JSON.stringify(input), started_stream_seq: streamSeq })
    .returningAll()
    .executeTakeFirstOrThrow();
}

async function linkArtifacts(
  tx: Tx,
  { stepId, attempt, end: { artifacts, workspace } }: { stepId: string; attempt: number; end: StepEnd },
): Promise<void> {
  await insertArtifacts(tx, workspace ? [...artifacts, workspace] : artifacts);
  if (artifacts.length === 0) return;
  await tx
    .insertInto('step_artifacts')
    .values(
      artifacts.map(({ size_bytes: _, clock, ...link }) => ({
        ...link,
        step_id: stepId,
        attempt,
        clock: clock && JSON.stringify(clock),
      })),
    )
    .execute();
}
