import { ActivityCancellationType } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';

// Budgets of activities by what they do. Infrastructure that is away is waited for by time, not by attempts: the errors
// that no waiting mends are thrown as non-retryable, and the activities count the tries of models themselves.

/** How long infrastructure may be away before an episode gives up. */
const OUTAGE_MAX = '24 hours';

const patientRetry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/**
 * One thought: a model may take minutes to answer, twice where it is asked again, and bounds its own time below this; a dead
 * worker is noticed by its missing heartbeats.
 */
export const THOUGHT: ActivityOptions = {
  startToCloseTimeout: '1 hour',
  scheduleToCloseTimeout: OUTAGE_MAX,
  heartbeatTimeout: '6s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: patientRetry,
};

/** One tool call or simulation: tools bound their own time below this. */
export const TOOL_CALL: ActivityOptions = { ...THOUGHT };

/** How long a call waits for the worker that holds the workspace before any worker may rebuild it. */
export const WORKSPACE_WAIT = '3s';

/** A write or two to the record: quick, idempotent, done even when the episode was cancelled. */
export const RECORD: ActivityOptions = {
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '6s',
  scheduleToCloseTimeout: OUTAGE_MAX,
  retry: patientRetry,
};

/** Waits of a backup phase for servers that are away are this long, so that tries can be counted instead of hours. */
const BACKUP_RETRY_INTERVAL_S = 30;
/** How long a phase of a nightly point or drill waits for servers that are away. */
const BACKUP_OUTAGE_S_MAX = 1_800;

/** A phase of a restore point or drill: as long as the amount of bytes takes; after `outage_s_max` seconds of outage it fails. */
export const backupOptions = (outage_s_max = BACKUP_OUTAGE_S_MAX): ActivityOptions => ({
  startToCloseTimeout: '24 hours',
  heartbeatTimeout: '10s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: {
    initialInterval: '1s',
    backoffCoefficient: 2,
    maximumInterval: `${BACKUP_RETRY_INTERVAL_S}s`,
    maximumAttempts: attemptsWithin(outage_s_max),
  },
});

/** The tries until the pauses between them (1, 2, 4, 8, 16 s, then 30 s each) add up; three at least, since a dead worker costs one. */
function attemptsWithin(seconds: number): number {
  const doubling_s = 31;
  if (seconds <= doubling_s) return Math.max(3, 1 + Math.ceil(Math.log2(seconds + 1)));
  return 6 + Math.ceil((seconds - doubling_s) / BACKUP_RETRY_INTERVAL_S);
}

/** Delivery of traces: one activity for all episodes, whose worker's death is noticed by its missing heartbeats. */
export const TRACE_DELIVERY: ActivityOptions = {
  startToCloseTimeout: '30 minutes',
  scheduleToCloseTimeout: OUTAGE_MAX,
  heartbeatTimeout: '10s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: patientRetry,
};

/** A step of aftercare: reads of the record, Temporal, Langfuse and the objects, which may be away for long. */
export const AFTERCARE: ActivityOptions = {
  startToCloseTimeout: '10 minutes',
  scheduleToCloseTimeout: OUTAGE_MAX,
  heartbeatTimeout: '10s',
  retry: patientRetry,
};

/** Deleting an episode: as long as its rows take; what others do not forget now is left on its tombstone. */
export const RETENTION: ActivityOptions = {
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '10s',
  retry: { ...patientRetry, maximumAttempts: 20 },
};

/** Sweeps come again by themselves. */
export const SWEEP: ActivityOptions = { startToCloseTimeout: '1 minute', retry: { maximumAttempts: 2 } };
