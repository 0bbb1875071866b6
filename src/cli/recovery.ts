import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import { AppError } from '../errors.ts';
import type { Config } from '../config/config.ts';
import type { OnProgress } from '../runtime/recovery.ts';
import { openEpisodeWorkflows } from '../runtime/temporal/client.ts';
import type { RecoveryCheck } from '../schemas/restore-point.ts';
import { taskQueue } from '../workflows/names.ts';
import { oneLine, size } from './text.ts';

const POLL_INTERVAL_MS = 500;

/** Runs a workflow of recovery to its end, shown its progress; resolves with its result, also with what a failed one found out. */
export async function runRecoveryWorkflow<Result>(
  config: Config,
  { workflow, args, onProgress }: { workflow: string; args: object[]; onProgress: OnProgress },
): Promise<Result> {
  await using workflows = await openEpisodeWorkflows(config);
  await workflows.readyCheck();
  const prefix = config.temporal.task_queue_prefix;
  const handle = await workflows.client.workflow.start(workflow, {
    taskQueue: taskQueue(prefix, 'maintenance'),
    workflowId: `${prefix}${workflow}-${new Date().toISOString()}`,
    args,
  });
  const ended = new AbortController();
  const follow = async () => {
    while (!ended.signal.aborted) {
      const { raw } = await handle.describe();
      const payload = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads?.[0];
      if (payload) onProgress(defaultPayloadConverter.fromPayload(payload));
      await sleep(POLL_INTERVAL_MS, undefined, { signal: ended.signal });
    }
  };
  // Progress is for the eye; the result below shows what matters, also when Temporal goes away.
  const following = follow().catch(() => {});
  try {
    return (await handle.result()) as Result;
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
    const [found] = (cause instanceof ApplicationFailure && cause.details) || [];
    if (found) return found as Result;
    throw new AppError('internal', cause?.message ?? (error as Error).message, { cause: error });
  } finally {
    ended.abort();
    await following;
  }
}

/** A line of progress to standard error, each time something has changed. */
export function progressTo(stream: NodeJS.WritableStream): OnProgress {
  let last = '';
  return ({ phase, done, of, bytes, bytes_per_s }) => {
    const objects = of === null ? (done > 0 ? `${done}` : '') : `${done}/${of}`;
    const line = `${phase.padEnd(10)} ${objects.padStart(15)}  ${size(bytes)}  ${size(bytes_per_s)}/s`;
    if (line !== last) stream.write(`${line}\n`);
    last = line;
  };
}

/** Checks for people, one line each. */
export function renderChecks(checks: RecoveryCheck[]): string {
  return checks
    .map(({ name, status, reason, figures }) => {
      const told = Object.entries(figures).map(([figure, value]) => `${figure} ${value}`);
      const why = reason === null ? '' : ` ${oneLine(reason)}`;
      return `  ${status === 'ok' ? 'ok    ' : 'FAILED'}  ${name.padEnd(12)}${why}${told.length > 0 ? ` (${told.join(', ')})` : ''}`;
    })
    .join('\n');
}
