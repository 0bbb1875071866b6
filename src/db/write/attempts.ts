import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { Failure } from '../../schemas/episode.ts';
import type { Usage } from '../../schemas/step.ts';

type Tx = Transaction<Database>;
/** The step that attempts belong to. */
type StepRef = { id: string; episode_id: string };

/** Who tries: which worker, which build of it, and Temporal's count of tries of this activity. */
export type Tryer = { worker: string; build: string; activity_attempt: number };

/** Opens the step's next attempt and returns its number. */
export async function openAttempt(tx: Tx, stepId: string, tryer: Tryer): Promise<number> {
  const { attempt_count } = await tx
    .updateTable('steps')
    .set((e) => ({ attempt_count: e('attempt_count', '+', 1) }))
    .where('id', '=', stepId)
    .returning('attempt_count')
    .executeTakeFirstOrThrow();
  await tx
    .insertInto('step_attempts')
    .values({ step_id: stepId, attempt: attempt_count, ...tryer })
    .execute();
  return attempt_count;
}

/** Closes attempts that died, and so could not say what they used. Returns their numbers. */
export async function closeLostAttempts(tx: Tx, stepId: string, except = 0): Promise<number[]> {
  const rows = await tx
    .updateTable('step_attempts')
    .set({ status: 'lost', ended_at: sql`clock_timestamp()`, usage_unknown: true })
    .where('step_id', '=', stepId)
    .where('status', '=', 'running')
    .where('attempt', '<>', except)
    .returning('attempt')
    .execute();
  return rows.map(({ attempt }) => attempt);
}

/** Says in the log of a lost attempt that it was cut. */
export async function logLostAttempt(
  tx: Tx,
  step: StepRef,
  { attempt, streamSeq }: { attempt: number; streamSeq: number },
): Promise<void> {
  const text = `attempt ${attempt} was lost: its worker died or stopped answering; lines after the last one above may be missing`;
  await sql`insert into execution_logs (episode_id, stream_seq, step_id, attempt, line, stream, level, at, text)
    select ${step.episode_id}, ${streamSeq}, ${step.id}, ${attempt}, coalesce(max(line), 0) + 1, 'system', 'warning', clock_timestamp(), ${text}
    from execution_logs where step_id = ${step.id} and attempt = ${attempt}`.execute(tx);
}

type AttemptEnd = {
  step_id: string;
  attempt: number;
  status: 'ok' | 'error' | 'cancelled' | 'lost';
  /** null where it was used up and nobody said how much. */
  usage: Usage | null;
  error: Failure | null;
  /** null where nobody measured it. */
  worked_ms: number | null;
  retry_ms?: number | null;
};

/** Closes one attempt; also one that a later one took for lost and that speaks now: what it used is known after all. */
export async function closeAttempt(tx: Tx, end: AttemptEnd): Promise<void> {
  await closingAttempt(tx, end).execute();
}

/** The statement that closes one attempt. */
export const closingAttempt = (
  tx: Pick<Tx, 'updateTable'>,
  { step_id, attempt, status, usage, error, worked_ms, retry_ms = null }: AttemptEnd,
) =>
  tx
    .updateTable('step_attempts')
    .set({
      status,
      ended_at: sql`clock_timestamp()`,
      error: error && JSON.stringify(error),
      ...usage,
      usage_unknown: usage === null,
      worked_ms,
      ...(retry_ms !== null && {
        next_try_at: sql<string>`clock_timestamp() + make_interval(secs => ${retry_ms / 1000}::float8)`,
      }),
    })
    .where('step_id', '=', step_id)
    .where('attempt', '=', attempt);

/** Whether an attempt has not said yet how it ended: it runs, or a later one took it for lost. */
export async function isUnspoken(tx: Tx, stepId: string, attempt: number): Promise<boolean> {
  const { status, usage_unknown } = await tx
    .selectFrom('step_attempts')
    .select(['status', 'usage_unknown'])
    .where('step_id', '=', stepId)
    .where('attempt', '=', attempt)
    .executeTakeFirstOrThrow();
  return status === 'running' || (status === 'lost' && usage_unknown);
}

/** Adds what an attempt used, as far as it is known, to its step and its episode. */
export async function addUsage(tx: Tx, step: StepRef, usage: Usage | null): Promise<void> {
  if (!usage || usage.input_tokens + usage.output_tokens + (usage.usd ?? 1) === 0) return;
  await tx.updateTable('steps').set(plusUsage(usage)).where('id', '=', step.id).execute();
  await tx.updateTable('episodes').set(plusUsage(usage)).where('id', '=', step.episode_id).execute();
}

/** The change of a row that counts what was used, by this much. */
export const plusUsage = (usage: Usage) => ({
  input_tokens: sql<number>`input_tokens + ${usage.input_tokens}`,
  cached_tokens: sql<number>`cached_tokens + ${usage.cached_tokens}`,
  output_tokens: sql<number>`output_tokens + ${usage.output_tokens}`,
  reasoning_tokens: sql<number>`reasoning_tokens + ${usage.reasoning_tokens}`,
  // A price that nobody knows makes the sum one that nobody knows.
  usd: sql<number>`usd + ${usage.usd}::numeric`,
});
