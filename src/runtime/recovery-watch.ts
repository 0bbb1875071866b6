import type { Client } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Kysely } from 'kysely';
import { readRecoveryStatus } from '../db/read/recovery-status.ts';
import { AppError } from '../errors.ts';
import type { Database } from '../schemas/database.ts';
import type { RecoveryStatus } from '../schemas/restore-point.ts';
import { RESTORE_POINT_ID, RESTORE_POINT_WORKFLOW, taskQueue } from '../workflows/names.ts';
import type { Config } from './config.ts';

/** How often the API looks, by its own timer: Temporal, which runs the backups, may be what is down. */
const WATCH_INTERVAL_MS = 15 * 60_000;
/** What stays bad is told again after this long. */
const REMINDER_MS = 6 * 3_600_000;
const WEBHOOK_TIMEOUT_MS = 5_000;

type Logger = { warn: (facts: object, event: string) => void };

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

/** Watches recovery on a timer until it is disposed of: what is stale or failing is logged and, where configured, posted. */
export function watchRecovery(
  status: () => Promise<RecoveryStatus>,
  { config, logger }: { config: Config; logger: Logger },
): Disposable {
  let told: { status: string; at_ms: number } | undefined;
  const look = async () => {
    const found = await status().catch((error: unknown) => AppError.from(error));
    const bad = found instanceof AppError ? 'unknown' : found.status;
    if (bad === 'ok' || bad === 'never') {
      told = undefined;
      return;
    }
    if (told?.status === bad && Date.now() - told.at_ms < REMINDER_MS) return;
    told = { status: bad, at_ms: Date.now() };
    const reasons =
      found instanceof AppError
        ? [found.message]
        : found.checks.flatMap(({ name, reason }) => (reason === null ? [] : [`${name}: ${reason}`]));
    logger.warn({ alert: 'recovery', status: bad, reasons }, 'alert');
    const url = config.alert_webhook_url?.reveal();
    if (url === undefined) return;
    await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ alert: 'recovery', status: bad, reasons }),
      signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS),
    }).catch((error: unknown) => logger.warn({ err: error }, 'the alert could not be posted'));
  };
  void look();
  const timer = setInterval(() => void look(), WATCH_INTERVAL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
