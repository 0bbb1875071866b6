import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  uuid4,
} from '@temporalio/workflow';
import type { BackupActivities } from '../activities/backup.ts';
import type { RestorePoint, RestorePointRequest } from '../schemas/restore-point.ts';
import { backupOptions } from './activity-options.ts';

/**
 * Makes one restore point: Temporal's own database where the deployment owns it, then the record's, then the objects that
 * it refers to, then the proof and the manifest. It fails unless the point is complete; the failure carries the point.
 */
export async function RestorePointWorkflow(request: RestorePointRequest = {}): Promise<RestorePoint> {
  const phases = proxyActivities<BackupActivities>(backupOptions(request.outage_s_max));
  const quick = proxyActivities<BackupActivities>({ ...backupOptions(0), startToCloseTimeout: '2 minutes' });
  const id = timeOrderedId();
  let phase = 'begin';
  const enter = (name: string) => {
    phase = name;
    setCurrentDetails(`Restore point ${id}: **${name}**`);
    return { summary: name };
  };
  let point: RestorePoint;
  try {
    const started_at = await quick.beginRestorePoint.executeWithOptions(enter('begin'), [{ id }]);
    const checks = await quick.checkBeforehand.executeWithOptions(enter('beforehand'), [{ id }]);
    const temporal = await phases.copyTemporal.executeWithOptions(enter('temporal'), [{ id }]);
    const database = await phases.dumpDatabase.executeWithOptions(enter('database'), [{ id }]);
    const { references, objects } = database;
    const mirror = await phases.mirrorObjects.executeWithOptions(enter('mirror'), [
      { references, count: objects.count },
    ]);
    const found = { id, started_at, checks, temporal, database, mirror };
    point = await phases.sealRestorePoint.executeWithOptions(enter('proof'), [found]);
  } catch (error) {
    const reason = isCancellation(error) ? 'it was cancelled' : messageOf(error);
    const failure = { id, phase, reason };
    point = await CancellationScope.nonCancellable(async () =>
      quick.failRestorePoint
        .executeWithOptions({ summary: `failed: ${phase}` }, [failure])
        .catch(() => unrecorded(failure)),
    );
    if (isCancellation(error)) throw error;
  }
  if (point.status === 'complete') return point;
  const why = point.checks.filter(({ status }) => status === 'failed').map(({ name, reason }) => `${name}: ${reason}`);
  throw ApplicationFailure.create({
    type: `restore_point_${point.status}`,
    message: `The restore point is ${point.status}: ${why.join('; ')}`,
    nonRetryable: true,
    details: [point],
  });
}

/** The failed point where not even that could be written down: the database is away. */
function unrecorded({ id, phase, reason }: { id: string; phase: string; reason: string }): RestorePoint {
  const at = new Date().toISOString();
  const checks = [{ name: phase, status: 'failed' as const, reason, figures: {} }];
  return { id, status: 'failed', started_at: at, snapshot_at: null, ended_at: at, manifest_sha256: null, checks };
}

/** What went wrong, without Temporal's wrapping. */
export function messageOf(error: unknown): string {
  if (error instanceof ActivityFailure && error.cause) return error.cause.message;
  return error instanceof Error ? error.message : String(error);
}

/** A UUIDv7 from the workflow's own clock and randomness: ids sort by time, and replay gives the same one. */
export function timeOrderedId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${uuid4().slice(15)}`;
}
