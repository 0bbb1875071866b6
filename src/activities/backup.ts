import { createArtifactSweepActivities } from '../backup/artifacts.ts';
import type { BackupDeps } from '../backup/deps.ts';
import { createRestoreDrillActivities } from '../backup/drill.ts';
import { createRestorePointActivities } from '../backup/point.ts';
import { createRetentionActivities } from '../backup/retention.ts';
import { createRecoveryWatchActivities } from '../backup/watch.ts';

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
