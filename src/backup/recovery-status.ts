import type { Kysely } from 'kysely';
import { readDeployment } from '../db/read/deployment.ts';
import { listRestoredEpisodes, readMirrorSums } from '../db/read/recovery.ts';
import { readRecoveryFacts } from '../db/read/recovery-facts.ts';
import type { RecoveryFacts } from '../db/read/recovery-facts.ts';
import type { Database } from '../schemas/database.ts';
import { failed, passed } from '../schemas/restore-point.ts';
import type { RecoveryCheck, RecoveryStatus, RestoreDrill, RestorePoint } from '../schemas/restore-point.ts';

/** A nightly run and two hours: older than this, last night's is missing. */
export const AGE_S_MAX = 26 * 3600;
/** A mirrored object counts as read back when that was within this many days. */
const REREAD_DAYS = 30;

/** The state of recovery at `now_ms`. */
export async function readRecoveryStatus(
  db: Kysely<Database>,
  { now_ms, same_endpoint }: { now_ms: number; same_endpoint: boolean },
): Promise<RecoveryStatus> {
  const facts = await readRecoveryFacts(db, now_ms);
  const { last_attempt, last_complete, last_drill } = facts;
  const mirror = await readMirrorSums(db, REREAD_DAYS);
  const judged = judgeRecovery(facts);
  const checks = [...judged.checks, await restoredCheck(db)];
  return { ...judged, checks, last_attempt, last_complete, last_drill, mirror, same_endpoint };
}

/** Whether a restore is still to be finished: episodes to carry on, schedules that wait. It says what to do, and changes no state. */
async function restoredCheck(db: Kysely<Database>): Promise<RecoveryCheck> {
  const { restore_epoch, schedules_held } = await readDeployment(db);
  const waiting = (await listRestoredEpisodes(db)).length;
  const figures = { restore_epoch, waiting_episodes: waiting, schedules_held };
  if (waiting > 0)
    return failed('restored', `${waiting} episodes wait to be carried on: observatory reconcile`, figures);
  if (!schedules_held) return passed('restored', figures);
  return failed('restored', 'schedules wait since the restore: observatory reconcile --resume-schedules', figures);
}

/** The state that the facts amount to: failing before stale before never, since a failure says more. */
export function judgeRecovery(
  facts: RecoveryFacts,
): Pick<RecoveryStatus, 'status' | 'rpo_seconds' | 'rto_seconds' | 'checks'> {
  const { now_ms, deployed_ms, last_attempt, last_complete, last_drill, verified } = facts;
  const ageOf = (ms: number) => Math.max(0, Math.round((now_ms - ms) / 1000));
  const point_age_s = last_complete?.snapshot_at ? ageOf(Date.parse(last_complete.snapshot_at)) : null;
  const rpo_seconds = verified ? ageOf(verified.snapshot_ms) : null;
  const deployed_s = ageOf(deployed_ms);
  const checks = [
    outcomeCheck('last_attempt', last_attempt),
    outcomeCheck('last_drill', last_drill),
    ageCheck('point_age', point_age_s, deployed_s),
    ageCheck('verified_age', rpo_seconds, deployed_s),
  ];
  const bad = new Set(checks.filter(({ status }) => status === 'failed').map(({ name }) => name));
  const status = stateOf(bad, verified !== null);
  return { status, rpo_seconds, rto_seconds: verified?.rto_seconds ?? null, checks };
}

function stateOf(bad: Set<string>, verified: boolean): RecoveryStatus['status'] {
  if (bad.has('last_attempt') || bad.has('last_drill')) return 'failing';
  if (bad.size > 0) return 'stale';
  return verified ? 'ok' : 'never';
}

function outcomeCheck(name: string, last: RestorePoint | RestoreDrill | null): RecoveryCheck {
  if (!last) return passed(name, { id: null });
  const figures = { id: last.id, status: last.status };
  const why = last.checks.filter(({ status }) => status === 'failed').map((each) => `${each.name}: ${each.reason}`);
  const good = last.status === 'complete' || last.status === 'passed';
  return good ? passed(name, figures) : failed(name, why.join('; ') || `it is ${last.status}`, figures);
}

/** Where there is none yet, the deployment's own age counts. */
function ageCheck(name: string, age_s: number | null, deployed_s: number): RecoveryCheck {
  const figures = { age_s, age_s_max: AGE_S_MAX };
  if ((age_s ?? deployed_s) <= AGE_S_MAX) return passed(name, figures);
  const hours = Math.floor((age_s ?? deployed_s) / 3600);
  return failed(name, age_s === null ? `there is none after ${hours} hours` : `it is ${hours} hours old`, figures);
}
