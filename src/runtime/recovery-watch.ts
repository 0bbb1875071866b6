import type { Client } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Kysely } from 'kysely';
import type { Alerts } from '../alerts/alerts.ts';
import { readRecoveryStatus } from '../backup/recovery-status.ts';
import { AppError } from '../errors.ts';
import type { Database } from '../schemas/database.ts';
import type { RecoveryStatus } from '../schemas/restore-point.ts';
import { RESTORE_POINT_ID, RESTORE_POINT_WORKFLOW, taskQueue } from '../workflows/names.ts';
import type { Config } from '../config/config.ts';

/** How often the API looks, by its own timer: Temporal, which runs the backups, may be what is down. */
const WATCH_INTERVAL_MS = 15 * 60_000;

/** What the API answers about recovery. */
export function createRecoveryApi(config: Config, { db, client }: { db: Kysely<Database>; client: Client }) {
  const { task_queue_prefix: prefix } = config.temporal;
  const same_endpoint = config.s3.endpoint === config.s3.backups.endpoint;
  return {
    status: async (): Promise<RecoveryStatus> => readRecoveryStatus(db, { now_ms: Date.now(), same_endpoint }),
    /** Starts a point unless one is being made. Throws `unavailable` when Temporal is away. */
    startRestorePoint: async (): Promise<{ workflow_id: string }> => {
      const workflow_id = `${prefix}${RESTORE_POINT_ID}-asked`;
      try {
        await client.workflow.start(RESTORE_POINT_WORKFLOW, {
          workflowId: workflow_id,
          taskQueue: taskQueue(prefix, 'maintenance'),
          args: [{}],
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError))
          throw new AppError('unavailable', 'Temporal does not answer', { cause: error });
      }
      return { workflow_id };
    },
  };
}

/** Watches recovery on a timer until it is disposed of: what is stale or failing is an alert for as long as it is. */
export function watchRecovery(status: () => Promise<RecoveryStatus>, alerts: Alerts): Disposable {
  const look = async () => {
    const found = await status().catch((error: unknown) => AppError.from(error));
    const bad = found instanceof AppError ? 'unknown' : found.status;
    if (bad === 'ok' || bad === 'never') return alerts.clear('recovery');
    const reasons =
      found instanceof AppError
        ? [found.message]
        : found.checks.flatMap(({ name, reason }) => (reason === null ? [] : [`${name}: ${reason}`]));
    return alerts.raise({
      name: 'recovery',
      message: `Recovery is ${bad}: ${reasons.join('; ')}`,
      facts: { status: bad, reasons: reasons.join('; ') },
    });
  };
  void look();
  const timer = setInterval(() => void look(), WATCH_INTERVAL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
