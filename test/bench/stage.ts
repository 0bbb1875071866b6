import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { cacheFolder, processEnvironment } from '../../src/config/config.ts';
import { startServers } from '../../src/embedded/stack.ts';
import { call, createDeployment } from '../support/deployment.ts';
import type { Deployment, Line } from '../support/deployment.ts';

/** Embedded servers of a bench's own, with a deployment on them. */
export async function openStage(): Promise<AsyncDisposable & { deployment: Deployment }> {
  const home = await mkdtemp(join(tmpdir(), 'observatory-bench-'));
  const cache = cacheFolder(processEnvironment());
  const servers = await startServers({ home, env: {}, log: () => {}, cache, ports: 'any' });
  const deployment = await createDeployment(servers.env);
  return {
    deployment,
    async [Symbol.asyncDispose]() {
      await deployment[Symbol.asyncDispose]();
      await servers.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** How many calls each thought of a measured episode asks for: with the approval's two, 14 thoughts and 19 calls. */
export const CALLS: readonly number[] = [1, 2, 1, 2, 1, 1, 2, 1, 2, 1, 2, 1];

/** The same as a transcript: thoughts and calls that take no time of their own. */
export const lines = (): Line[] =>
  CALLS.map((count) => ({ text: 'I look.', calls: Array.from({ length: count }, () => call('list_files', {})) }));

/** How long each completed activity of this type took, from being scheduled to being completed, in milliseconds; all types by default. */
export async function activityTimes(handle: WorkflowHandle, type?: string): Promise<number[]> {
  const { events } = await handle.fetchHistory();
  const scheduled = new Map<string, number>();
  const times: number[] = [];
  for (const { eventId, eventTime, ...event } of events ?? []) {
    const at_ms = Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1e6;
    const { activityTaskScheduledEventAttributes: begun, activityTaskCompletedEventAttributes: done } = event;
    if (begun && (!type || begun.activityType?.name === type)) scheduled.set(String(eventId), at_ms);
    const begun_ms = done && scheduled.get(String(done.scheduledEventId));
    if (begun_ms !== undefined && begun_ms !== null) times.push(at_ms - begun_ms);
  }
  return times;
}

/** The middle of these values; the upper one of two. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Rounded to so many decimals. */
export const round = (value: number, decimals = 0): number => Math.round(value * 10 ** decimals) / 10 ** decimals;
