import { ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { BackupActivities } from '../activities/backup.ts';
import type { RecoveryStatus } from '../schemas/restore-point.ts';
import { SWEEP } from './activity-options.ts';

const { readRecoveryState } = proxyActivities<BackupActivities>(SWEEP);

/** Looks whether recovery is stale or failing, and fails if so: in Temporal's UI that is a red run with its reasons. */
export async function RecoveryWatchWorkflow(): Promise<Pick<RecoveryStatus, 'status' | 'rpo_seconds'>> {
  const { status, rpo_seconds, checks } = await readRecoveryState.executeWithOptions({ summary: 'look' }, [null]);
  if (status === 'ok' || status === 'never') return { status, rpo_seconds };
  const reasons = checks.flatMap(({ name, reason }) => (reason === null ? [] : [`${name}: ${reason}`]));
  throw ApplicationFailure.create({
    type: `recovery_${status}`,
    message: `Recovery is ${status}: ${reasons.join('; ')}`,
    nonRetryable: true,
  });
}
