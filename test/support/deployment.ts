import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { insertArtifact } from '../../src/db/append/artifacts.ts';
import { insertEpisode } from '../../src/db/append/episodes.ts';
import type { DatabaseClient } from '../../src/db/client.ts';
import { cacheFolder, loadConfig, processEnvironment } from '../../src/config/config.ts';
import type { Config } from '../../src/config/config.ts';
import { compileCache, WORKER_ENVIRONMENT, WORKER_NODE_FLAGS } from '../../src/runtime/worker-process.ts';
import { setUpDeployment } from '../../src/runtime/set-up.ts';
import { openEpisodeWorkflows } from '../../src/runtime/temporal/client.ts';
import type { EpisodeWorkflows } from '../../src/runtime/temporal/client.ts';
import { s3Options } from '../../src/runtime/artifact-store.ts';
import { StartEpisode } from '../../src/schemas/episode.ts';
import type { Episode } from '../../src/schemas/episode.ts';
import type { Json } from '../../src/schemas/primitives.ts';
import type { Transcript } from '../../src/schemas/transcript.ts';
import { createS3ObjectStore } from '../../src/storage/s3.ts';
import { createTestDatabase } from './database.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

/** A deployment of one test file's own on the shared servers: its database, its queues, real worker processes. */
export type Deployment = AsyncDisposable & {
  env: Record<string, string>;
  config: Config;
  database: DatabaseClient;
  store: ReturnType<typeof createS3ObjectStore>;
  workflows: EpisodeWorkflows;
  /** Starts a worker process, with these variables changed, and resolves when it polls. */
  startWorker(changes?: Record<string, string>): Promise<WorkerProcess>;
  /** Kills every worker that still runs. */
  killWorkers(): Promise<void>;
  /** Accepts an episode with these input files. */
  accept(request: Partial<StartEpisode>, files?: Record<string, string | Uint8Array>): Promise<Episode>;
  /** Accepts one in which a single engineer says these lines and then approves its work. */
  rehearse(lines: Line[], request?: Partial<StartEpisode>, files?: Record<string, string>): Promise<Episode>;
  /** The same, and starts it. */
  play(lines: Line[], request?: Partial<StartEpisode>, files?: Record<string, string>): Promise<Episode>;
};

/** A line of a transcript as tests write it. */
export type Line = Partial<Transcript['lines'][string][number]>;

/** How the engineer ends an episode. */
export const APPROVAL: (Line & { text: string })[] = [
  { text: 'I write down what I checked.', calls: [call('write_file', { path: '/review.md', content: 'checked' })] },
  { text: '', calls: [call('finish', { decision: 'APPROVED', reason: 'it is done', review_path: '/review.md' })] },
];

/** A call as a transcript asks for it. */
export function call(name: string, args: Record<string, Json>): NonNullable<Line['calls']>[number] {
  return { name, args };
}

/** Of what a worker printed of its troubles, this much is kept. */
const COMPLAINTS_CHARS_MAX = 20_000;

/** A real worker process. */
export type WorkerProcess = {
  pid: number;
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** How it ended, and what it printed of it; undefined while it runs. */
  end: () => string | undefined;
};

/** Makes the deployment: an empty database, migrated; namespace, search attributes and schedules under its own prefix. */
export async function createDeployment(servers?: Record<string, string>): Promise<Deployment> {
  const shared = servers ?? (await import('vitest')).inject('environment');
  const test = await createTestDatabase(shared['DATABASE_URL']);
  const home = await mkdtemp(join(tmpdir(), 'observatory-test-'));
  const prefix = `${new URL(test.url).pathname.slice(1)}-`;
  // What is made of the code alone, its bundle of workflows first, is made once for all.
  const cache = cacheFolder(processEnvironment());
  const env = {
    ...shared,
    ...compileCache(cache),
    DATABASE_URL: test.url,
    TEMPORAL_TASK_QUEUE_PREFIX: prefix,
    OBSERVATORY_HOME: home,
    OBSERVATORY_CACHE: cache,
  };
  const config = loadConfig(env);
  await setUpDeployment(config, { log: () => {} });
  const database = test.client;
  const store = createS3ObjectStore(s3Options(config));
  const workflows = await openEpisodeWorkflows(config);
  const workers: WorkerProcess[] = [];
  const killWorkers = async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.kill()));
  };

  const accept: Deployment['accept'] = async (request, files = {}) => {
    const inputs = await Promise.all(
      Object.entries(files).map(async ([path, content]) => {
        const bytes = typeof content === 'string' ? Buffer.from(content) : content;
        const stored = await store.put(bytes, { contentType: 'application/octet-stream' });
        await insertArtifact(database.db, stored);
        return { path, sha256: stored.sha256 };
      }),
    );
    const accepted = { namespace: config.temporal.namespace, idempotency_key: null, code_version: null };
    const parsed = StartEpisode.parse({ task: 'a test', ...request, inputs });
    return (await insertEpisode(database.db, { request: parsed, ...accepted })).episode;
  };
  const rehearse: Deployment['rehearse'] = async (lines, request = {}, inputs = {}) => {
    const said = [...lines, ...APPROVAL].map((line) => ({ text: '', ...line }));
    const files = { ...inputs, '/transcript.json': JSON.stringify({ lines: { engineer: said } }) };
    return accept({ agent: 'single_engineer', model: 'scripted:transcript', ...request }, files);
  };
  return {
    env,
    config,
    database,
    store,
    workflows,
    accept,
    rehearse,
    killWorkers,
    async startWorker(changes = {}) {
      const worker = await startWorkerProcess({ ...env, ...changes });
      workers.push(worker);
      return worker;
    },
    async play(...played) {
      const episode = await rehearse(...played);
      await workflows.startEpisode(episode);
      return episode;
    },
    async [Symbol.asyncDispose]() {
      await killWorkers();
      for await (const { scheduleId } of workflows.client.schedule.list())
        if (scheduleId.startsWith(prefix)) await workflows.client.schedule.getHandle(scheduleId).delete();
      // What runs for ever, or outlives its episode, would wait for a worker of these queues in vain.
      const left = workflows.client.workflow.list({
        query: `TaskQueue = '${prefix}maintenance' and ExecutionStatus = 'Running'`,
      });
      for await (const { workflowId } of left)
        await workflows.client.workflow.getHandle(workflowId).terminate('the test is over');
      await workflows[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Starts a program that says that it serves, by default our worker, with these variables and nothing of the developer's own. */
export async function startWorkerProcess(
  env: Record<string, string>,
  program: readonly string[] = [...WORKER_NODE_FLAGS, MAIN, 'worker'],
): Promise<WorkerProcess> {
  const child = spawn(process.execPath, program, {
    // Nothing of the developer's own settings: they would mix with the servers of the test.
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...WORKER_ENVIRONMENT, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let ending: string | undefined;
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-COMPLAINTS_CHARS_MAX);
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, by) => {
      ending = `ended by ${by ?? `exit code ${code}`}: ${complaints}`;
      resolve();
    });
  });
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  for await (const line of createInterface(child.stdout)) {
    if (!line.includes(' serves ')) continue;
    child.stdout.resume();
    return { pid: child.pid ?? 0, kill: () => end('SIGKILL'), stop: () => end('SIGTERM'), end: () => ending };
  }
  await exited;
  throw new Error(`the worker ${ending} before it served`);
}
