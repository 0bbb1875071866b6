import { condition, defineSignal, proxyActivities, setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { BackupActivities } from '../activities/backup.ts';
import type { RetentionReport } from '../schemas/restore-point.ts';
import { backupOptions } from './activity-options.ts';

/** A person agrees that more than a tenth of the mirror is given up at once. */
const approveMirrorSweep = defineSignal('approveMirrorSweep');

/** How long a sweep waits for a person's approval; the next night asks again. */
const APPROVAL_WAIT = '12 hours';

/** Prunes restore points by the policy, and gives up what nothing in the mirror refers to any more. */
export async function RetentionWorkflow(): Promise<RetentionReport> {
  const { pruneRestorePoints, sweepMirror } = proxyActivities<BackupActivities>(backupOptions());
  let approved = false;
  setHandler(approveMirrorSweep, () => {
    approved = true;
  });
  const points = await pruneRestorePoints.executeWithOptions({ summary: 'prune restore points' }, [null]);
  const sweep = async () => sweepMirror.executeWithOptions({ summary: 'sweep the mirror' }, [{ approved }]);
  let mirror = await sweep();
  if (mirror.refused !== null) {
    setCurrentDetails(`Nothing of the mirror was given up: ${mirror.refused}`);
    if (await condition(() => approved, APPROVAL_WAIT)) mirror = await sweep();
  }
  return { ...points, mirror };
}
