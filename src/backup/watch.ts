import { readRecoveryStatus } from './recovery-status.ts';
import type { RecoveryStatus } from '../schemas/restore-point.ts';
import type { BackupDeps } from './deps.ts';
import { phase } from './progress.ts';

/** The phase of the scheduled watch. */
export function createRecoveryWatchPhases({ db }: Pick<BackupDeps, 'db'>) {
  return {
    /** The state of recovery now, without what is only for people. */
    readRecoveryState: phase('watch', async (_: null): Promise<Omit<RecoveryStatus, 'same_endpoint'>> => {
      const { same_endpoint: _endpoint, ...status } = await readRecoveryStatus(db, {
        now_ms: Date.now(),
        same_endpoint: false,
      });
      return status;
    }),
  };
}
