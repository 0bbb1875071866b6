import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { ReplayVerdict, WorkflowHistory } from '../../schemas/replay.ts';

/** Keeps where a closed run's history lies. It never changes, so keeping it again changes nothing. */
export async function insertHistory(
  db: Kysely<Database>,
  history: Omit<WorkflowHistory, 'archived_at'>,
): Promise<void> {
  await db
    .insertInto('workflow_histories')
    .values(history)
    .onConflict((conflict) => conflict.columns(['episode_id', 'run_id']).doNothing())
    .execute();
}

/** Keeps the verdict of a replay; a later one of the same run by the same build takes its place. */
export async function upsertReplay(
  db: Kysely<Database>,
  { mismatch, ...verdict }: Omit<ReplayVerdict, 'replayed_at'>,
): Promise<void> {
  const row = {
    ...verdict,
    mismatch: mismatch && JSON.stringify(mismatch),
    replayed_at: sql<string>`clock_timestamp()`,
  };
  await db
    .insertInto('replay_verdicts')
    .values(row)
    .onConflict((conflict) => conflict.columns(['episode_id', 'run_id', 'build']).doUpdateSet(row))
    .execute();
}
