import { createArtifactSweepActivities } from './artifacts.ts';
import type { BackupDeps } from './deps.ts';
import { createRestoreDrillActivities } from './drill.ts';
import { createRestorePointActivities } from './point.ts';
import { createRetentionActivities } from './retention.ts';
import { createRecoveryWatchActivities } from './watch.ts';

/** Every activity of recovery. */
export function createBackupActivities(deps: BackupDeps) {
  return {
    ...createRestorePointActivities(deps),
    ...createRestoreDrillActivities(deps),
    ...createRetentionActivities(deps),
    ...createArtifactSweepActivities(deps),
    ...createRecoveryWatchActivities(deps),
  };
}
