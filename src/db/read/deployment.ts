import type { Kysely } from 'kysely';
import type { Database, DeploymentRow } from '../../schemas/database.ts';

/** What this record knows of itself: its epoch, when that was entered by a restore, and whether schedules wait since. */
export async function readDeployment(db: Kysely<Database>): Promise<DeploymentRow> {
  return db.selectFrom('deployment').selectAll().executeTakeFirstOrThrow();
}

/** The record's epoch: it rises with every restore, and what an older one handed out (cursors, runs) means nothing any more. */
export async function readRestoreEpoch(db: Kysely<Database>): Promise<number> {
  return (await readDeployment(db)).restore_epoch;
}
