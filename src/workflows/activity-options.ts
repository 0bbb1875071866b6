import { ActivityCancellationType } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';

// Budgets of activities by what they do. Infrastructure that is away is waited for by time, not by attempts: the errors
// that no waiting mends are thrown as non-retryable, and the activities count the tries of models themselves.

/** How long infrastructure may be away before an episode gives up. */
const OUTAGE_MAX = '24 hours';

const patientRetry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/** One thought: a model may take minutes to answer; a dead worker is noticed by its missing heartbeats. */
export const THOUGHT: ActivityOptions = {
  startToCloseTimeout: '30 minutes',
  scheduleToCloseTimeout: OUTAGE_MAX,
  heartbeatTimeout: '6s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: patientRetry,
};

/** One tool call or simulation: tools bound their own time below this. */
export const TOOL_CALL: ActivityOptions = { ...THOUGHT, startToCloseTimeout: '1 hour' };

/** How long a call waits for the worker that holds the workspace before any worker may rebuild it. */
export const WORKSPACE_WAIT = '3s';

/** A write or two to the record: quick, idempotent, done even when the episode was cancelled. */
export const RECORD: ActivityOptions = {
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: OUTAGE_MAX,
  retry: patientRetry,
};

/** Sweeps come again by themselves. */
export const SWEEP: ActivityOptions = { startToCloseTimeout: '1 minute', retry: { maximumAttempts: 2 } };
