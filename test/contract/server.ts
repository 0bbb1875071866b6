import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { insertApiKey } from '../../src/db/append/api-keys.ts';
import { choosePort } from '../../src/embedded/ports.ts';
import { until } from '../../src/embedded/until.ts';
import { connectionOptions } from '../../src/runtime/temporal/client.ts';
import { buildWorkflowBundle } from '../../src/runtime/temporal/workflow-bundle.ts';
import { taskQueue } from '../../src/workflows/names.ts';
import type { Deployment } from '../support/deployment.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const START_DURATION_MS_MAX = 60_000;
/** All workflows of a run stay in memory: replaying them from their history would only cost time. */
const CACHED_WORKFLOWS_MAX = 2_000;

/** A real API process, and the key of an operator for it. */
export type ApiServer = AsyncDisposable & {
  url: string;
  key: string;
  /** Every line that the process has logged. */
  readLog: () => Promise<LogEntry[]>;
};

/** A line of the log; one that is no JSON (a crash) stands in `text`. */
export type LogEntry = { event: string; facts: Record<string, unknown>; text: string };

/** Starts `observatory api` on the deployment, with a worker that hears people; what the API says goes into `log_file`. */
export async function startApi(deployment: Deployment, log_file: string): Promise<ApiServer> {
  const key = randomBytes(24).toString('base64url');
  const key_sha256 = createHash('sha256').update(key).digest('hex');
  await insertApiKey(deployment.database.db, { name: 'contract', role: 'operator', key_sha256 });
  const port = await choosePort([]);
  const url = `http://127.0.0.1:${port}`;
  await mkdir(dirname(log_file), { recursive: true });
  const log = await open(log_file, 'w');
  const child = spawn(process.execPath, [MAIN, 'api'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      ...deployment.env,
      API_HOST: '127.0.0.1',
      API_PORT: String(port),
      // A start that names no model, or bounds its dollars, is right where a model is configured; here nobody asks it.
      MODEL_BASE_URL: 'http://127.0.0.1:9/v1',
      MODEL_NAME: 'nobody',
      MODEL_PRICES: JSON.stringify({ nobody: { input: 1, cached: 1, output: 1 } }),
      API_REQUESTS_PER_S: '0',
      // An episode that waits has one frame to tell; its next heartbeat would be 15 seconds away.
      API_STREAM_S: '1',
    },
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  const workflows = await startWorkflowsOnly(deployment);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await until({
    what: 'the API’s first answer',
    duration_ms_max: START_DURATION_MS_MAX,
    attempt: async () => ((await fetch(`${url}/readyz`)).ok ? true : undefined),
    giveUp: () => child.exitCode !== null,
  });
  return {
    url,
    key,
    readLog: () => readLog(log_file),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
      await workflows[Symbol.asyncDispose]();
    },
  };
}

async function readLog(file: string): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const text of createInterface(createReadStream(file))) {
    // What the command says before it logs.
    if (text === '' || text.startsWith('the API listens')) continue;
    try {
      const { msg, ...facts } = JSON.parse(text) as { msg?: unknown };
      entries.push({ event: String(msg), facts, text });
    } catch {
      entries.push({ event: 'not JSON', facts: {}, text });
    }
  }
  return entries;
}

/**
 * Serves the workflows of episodes and none of their activities: people are heard and answered, and no fuzzed request starts
 * agents that work. Disposing of it ends it.
 */
async function startWorkflowsOnly({ config }: Deployment): Promise<AsyncDisposable> {
  const { namespace, task_queue_prefix } = config.temporal;
  const { codePath } = await buildWorkflowBundle(config.cache);
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const connection = await NativeConnection.connect(await connectionOptions(config.temporal));
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: taskQueue(task_queue_prefix, 'episodes'),
    workflowBundle: { codePath },
    maxCachedWorkflows: CACHED_WORKFLOWS_MAX,
  });
  const running = worker.run();
  return {
    async [Symbol.asyncDispose]() {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}
