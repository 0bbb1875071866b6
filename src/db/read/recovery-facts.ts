import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { RestoreDrill, RestorePoint } from '../../schemas/restore-point.ts';
import { listRestoreDrills, listRestorePoints } from './recovery.ts';

/** What the state of recovery is judged by; times in Unix milliseconds. */
export type RecoveryFacts = {
  now_ms: number;
  /** When this deployment began: only from then on can a point be missed. */
  deployed_ms: number;
  last_attempt: RestorePoint | null;
  last_complete: RestorePoint | null;
  last_drill: RestoreDrill | null;
  /** The newest snapshot that a drill restored. */
  verified: { snapshot_ms: number; rto_seconds: number | null } | null;
};

/** The newest ended points and drills, and when this deployment began. */
export async function readRecoveryFacts(db: Kysely<Database>, now_ms: number): Promise<RecoveryFacts> {
  const ended = (await listRestorePoints(db, { limit: 2 })).filter(({ status }) => status !== 'running');
  const [complete] = await listRestorePoints(db, { limit: 1, status: 'complete' });
  const drills = (await listRestoreDrills(db, { limit: 2 })).filter(({ status }) => status !== 'running');
  const { rows } = await sql<{ snapshot_at: string; rto_seconds: number | null }>`select p.snapshot_at, d.rto_seconds
    from restore_drills d join restore_points p on p.id = d.point_id
    where d.status = 'passed' order by p.snapshot_at desc limit 1`.execute(db);
  const began = await sql<{ at: string }>`select min(applied_at) as at from schema_migrations`.execute(db);
  const [verified] = rows;
  return {
    now_ms,
    deployed_ms: Date.parse(began.rows[0]?.at ?? ''),
    last_attempt: ended[0] ?? null,
    last_complete: complete ?? null,
    last_drill: drills[0] ?? null,
    verified: verified ? { snapshot_ms: Date.parse(verified.snapshot_at), rto_seconds: verified.rto_seconds } : null,
  };
}
