import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { WorkflowHandle } from '@temporalio/client';
import { inject } from 'vitest';
import type { BackupDeps } from '../../../src/backup/deps.ts';
import { createProgress } from '../../../src/backup/progress.ts';
import type { Working } from '../../../src/backup/progress.ts';
import { runRecoveryWorkflow } from '../../../src/cli/recovery.ts';
import { insertArtifact } from '../../../src/db/append/artifacts.ts';
import { insertEpisode } from '../../../src/db/append/episodes.ts';
import { createDatabase } from '../../../src/db/client.ts';
import { loadConfig } from '../../../src/config/config.ts';
import type { Config } from '../../../src/config/config.ts';
import { until } from '../../../src/embedded/until.ts';
import { openBackups, openRecovery } from '../../../src/runtime/recovery.ts';
import { setUpDeployment } from '../../../src/runtime/set-up.ts';
import { openEpisodeWorkflows } from '../../../src/runtime/temporal/client.ts';
import type { EpisodeWorkflows } from '../../../src/runtime/temporal/client.ts';
import { StartEpisode } from '../../../src/schemas/episode.ts';
import type { RecoveryCheck } from '../../../src/schemas/restore-point.ts';
import { RESTORE_DRILL_WORKFLOW, RESTORE_POINT_WORKFLOW } from '../../../src/workflows/names.ts';
import { createTestDatabase } from '../../support/database.ts';

/** The command line's entry. */
export const MAIN = join(import.meta.dirname, '../../../src/cli/main.ts');
/** A credential that may appear nowhere: the role's password in this deployment's DATABASE_URL. */
export const PASSWORD = 'a-password-that-may-appear-nowhere';

/** How points are sealed where no key is configured. */
export const UNSIGNED = { private_key: null, trusted: null };

/** A deployment with its own database, its own two buckets and its own queues. */
export type RecoveryDeployment = AsyncDisposable & {
  env: Record<string, string>;
  config: Config;
  backups: BackupDeps;
  workflows: EpisodeWorkflows;
  /** Runs a command of ours; `env` adds to the deployment's. */
  run(args: string[], env?: Record<string, string>): Promise<Ran>;
  /** What `backup run --outage 1`, `backup verify` and `drill` print, without a process for each, which takes most of the time. */
  makePoint(): Promise<Outcome>;
  verify(id: string): Promise<Outcome>;
  drill(id: string): Promise<Outcome>;
  startWorker(env?: Record<string, string>): Promise<ChildProcess>;
  /** All that workers and commands have printed. */
  said(): string;
  /** Stores objects and links them from an episode's row; returns their hashes. */
  store(contents: string[]): Promise<string[]>;
};

/** How a command ended and what it printed. */
export type Ran = { code: number | null; stdout: string; stderr: string };

/** What a point, a drill or a verification came to. */
export type Outcome = { id: string; status: string; checks: RecoveryCheck[] };

/** What work gets when no activity runs it. */
export function working(attempt = 1): Working {
  const { report } = createProgress('test');
  return { report, signal: new AbortController().signal, attempt };
}

/** How long a workflow may take to begin one of its activities. */
const PHASE_DURATION_MS_MAX = 120_000;

/**
 * Resolves when the workflow waits for an activity of which `met` holds, or has ended. It asks now and then, not as fast
 * as it can: a development server that is flooded with questions loses sight of its own namespace.
 */
export async function untilPending(
  handle: WorkflowHandle,
  met: (activity: { name: string; attempt: number }) => boolean,
): Promise<void> {
  await until({
    what: 'the awaited activity',
    duration_ms_max: PHASE_DURATION_MS_MAX,
    attempt: async () => {
      const { raw, status } = await handle.describe();
      const [pending] = raw.pendingActivities ?? [];
      const activity = { name: pending?.activityType?.name ?? '', attempt: pending?.attempt ?? 0 };
      return status.name !== 'RUNNING' || met(activity) ? true : undefined;
    },
  });
}

/** Makes the deployment, migrated and set up, without a worker; `more` adds to its variables. */
export async function createRecoveryDeployment(more: Record<string, string> = {}): Promise<RecoveryDeployment> {
  const test = await createTestDatabase();
  const home = await mkdtemp(join(tmpdir(), 'observatory-recovery-'));
  const name = new URL(test.url).pathname.slice(1);
  const suffix = randomUUID().slice(0, 8);
  const url = new URL(test.url);
  if (url.password === '') url.password = PASSWORD;
  const env: Record<string, string> = {
    ...inject('environment'),
    DATABASE_URL: url.href,
    TEMPORAL_TASK_QUEUE_PREFIX: `${name}-`,
    OBSERVATORY_HOME: home,
    S3_BUCKET_ARTIFACTS: `recovery-${suffix}-artifacts`,
    S3_BUCKET_BACKUPS: `recovery-${suffix}-backups`,
    ...more,
  };
  const config = loadConfig(env);
  const backups = await openBackups(config, test.client);
  await backups.source.names.createBucket();
  await backups.backups.names.createBucket();
  await setUpDeployment(config, { log: () => {} });
  const workflows = await openEpisodeWorkflows(config);
  const workers: ChildProcess[] = [];
  let said = '';
  const hear = (text: string) => {
    said += text;
  };
  return {
    said: () => said,
    env,
    config,
    backups,
    workflows,
    run: async (args, others = {}) => {
      const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env, ...others } });
      const [stdout, stderr, code] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        new Promise<number | null>((resolve) => child.once('close', resolve)),
      ]);
      hear(stdout + stderr);
      return { code, stdout, stderr };
    },
    makePoint: async () => execute(config, RESTORE_POINT_WORKFLOW, { outage_s_max: 1 }),
    drill: async (id) => execute(config, RESTORE_DRILL_WORKFLOW, { point_id: id }),
    async verify(id) {
      await using recovery = await openRecovery(config);
      const checks = await recovery.verify(await recovery.getPoint(id), () => {});
      return { id, status: checks.every(({ status }) => status === 'ok') ? 'passed' : 'failed', checks };
    },
    async startWorker(others = {}) {
      const child = spawn(process.execPath, [MAIN, 'worker'], {
        env: { ...process.env, ...env, ...others },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      workers.push(child);
      let complaints = '';
      child.stderr.setEncoding('utf8').on('data', (words: string) => {
        complaints += words;
        hear(words);
      });
      child.stdout.setEncoding('utf8').on('data', hear);
      for await (const line of createInterface(child.stdout)) {
        if (!line.includes(' serves ')) continue;
        child.stdout.resume();
        return child;
      }
      throw new Error(`the worker ended before it served: ${complaints}`);
    },
    store: async (contents) => storeObjects(backups, contents),
    async [Symbol.asyncDispose]() {
      for (const worker of workers) worker.kill('SIGKILL');
      for await (const { scheduleId } of workflows.client.schedule.list())
        if (scheduleId.startsWith(name)) await workflows.client.schedule.getHandle(scheduleId).delete();
      await workflows[Symbol.asyncDispose]();
      for (const { names } of [backups.source, backups.backups]) await removeBucket(names);
      await backups[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
      await rm(home, { recursive: true, force: true });
    },
  };
}

const execute = async (config: Config, workflow: string, request: object): Promise<Outcome> =>
  runRecoveryWorkflow(config, { workflow, args: [request], onProgress: () => {} });

/** Empties a bucket; the empty bucket stays, which every S3 server bears. */
export async function removeBucket(names: BackupDeps['source']['names']): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of names.list('')) keys.push(key);
  await names.remove(keys);
}

async function storeObjects(backups: BackupDeps, contents: string[]): Promise<string[]> {
  const sha256s: string[] = [];
  for (const content of contents) {
    const stored = await backups.source.store.put(Buffer.from(content), { contentType: 'text/plain' });
    await insertArtifact(backups.db, stored);
    sha256s.push(stored.sha256);
  }
  const inputs = sha256s.map((sha256, n) => ({ path: `/in-${n}.txt`, sha256 }));
  const request = StartEpisode.parse({ task: 'something to lose', inputs: inputs.slice(0, 50) });
  const { episode } = await insertEpisode(backups.db, {
    request,
    namespace: 'test',
    idempotency_key: null,
    code_version: null,
  });
  // Ended, or the sweeper would start it and its files would be among those that a test counts.
  await backups.pool.query(`update episodes set status = 'completed', ended_at = clock_timestamp() where id = $1`, [
    episode.id,
  ]);
  return sha256s;
}

/** The SHA-256 of a text. */
export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** Opens a database by its URL; its caller disposes of it. */
export const openDatabase = (url: string) => createDatabase(url, { connections: 2 });
