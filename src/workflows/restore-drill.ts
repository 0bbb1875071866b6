import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { BackupActivities } from '../activities/backup.ts';
import type { RestoreDrill, RestoreDrillRequest } from '../schemas/restore-point.ts';
import { backupOptions } from './activity-options.ts';
import { messageOf, timeOrderedId } from './restore-point.ts';

/**
 * Restores a point (the newest complete one unless it is named) into a scratch database, reads it there, and drops it,
 * whatever happens. It fails unless everything held; the failure carries the drill.
 */
export async function RestoreDrillWorkflow(request: RestoreDrillRequest = {}): Promise<RestoreDrill> {
  const options = backupOptions(request.outage_s_max);
  const { drillRestorePoint, endDrill } = proxyActivities<BackupActivities>(options);
  const id = timeOrderedId();
  setCurrentDetails(`Restore drill ${id}`);
  let drill: RestoreDrill | null = null;
  let thrown: unknown;
  try {
    drill = await drillRestorePoint.executeWithOptions({ summary: `drill · ${request.point_id ?? 'latest'}` }, [
      { id, point_id: request.point_id },
    ]);
  } catch (error) {
    thrown = error;
  }
  const failure = drill ? null : isCancellation(thrown) ? 'it was cancelled' : messageOf(thrown);
  const ended = await CancellationScope.nonCancellable(async () =>
    endDrill.executeWithOptions({ summary: 'drop the scratch database' }, [{ id, failure }]),
  );
  const result = drill ?? ended;
  if (result === null || isCancellation(thrown)) throw thrown;
  return requirePassed(result);
}

function requirePassed(drill: RestoreDrill): RestoreDrill {
  if (drill.status === 'passed') return drill;
  const why = drill.checks.filter(({ status }) => status === 'failed').map(({ name, reason }) => `${name}: ${reason}`);
  throw ApplicationFailure.create({
    type: 'restore_drill_failed',
    message: `The restore drill failed: ${why.join('; ')}`,
    nonRetryable: true,
    details: [drill],
  });
}
