// The peer of our worker, run as a process of its own: the same supersteps of the same graph with their checkpoints in Postgres, and
// calls that read a folder, as bare activities without any record.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { buildGraph } from '../../src/agents/graph.ts';
import { createAgents } from '../../src/agents/agents.ts';
import { runSuperstep } from '../../src/agents/superstep.ts';
import { Checkpointer } from '../../src/db/checkpointer.ts';
import { createDatabase } from '../../src/db/client.ts';
import { loadConfig, processEnvironment } from '../../src/config/config.ts';
import { connectionOptions } from '../../src/runtime/temporal/client.ts';
import { startWorkerProcess } from '../support/deployment.ts';
import type { Deployment, WorkerProcess } from '../support/deployment.ts';

const { get: getAgent } = createAgents(new Map());

/** The queue that the peer serves, after the deployment's prefix. */
const QUEUE = 'bare';
const DATABASE_CONNECTIONS = 20;

export type BareActivities = ReturnType<typeof createBareActivities>;

function createBareActivities(pool: ReturnType<typeof createDatabase>['pool']) {
  const graph = buildGraph(getAgent('single_engineer'), new Checkpointer(pool));
  type Advance = { thread_id: string; run_id: string; from: string | null; calls: number };
  return {
    async advance({ calls, ...superstep }: Advance): Promise<string> {
      const step = async (from: string | null, context: object) =>
        (await runSuperstep({ graph, pool }, { ...superstep, from, context }, false)).checkpoint_id;
      const before = superstep.from === null ? await step(null, {}) : await step(superstep.from, { turn_end: null });
      return step(before, { think: async () => ({ calls }) });
    },
    look: async () => readdir(import.meta.dirname),
    nothing: async () => {},
  };
}

/** Starts the peer beside the deployment's own worker. */
export const startBareWorker = ({ env }: Deployment): Promise<WorkerProcess> =>
  startWorkerProcess(env, [import.meta.filename]);

/** The queue of the peer. */
export const bareQueue = ({ config }: Pick<Deployment, 'config'>): string =>
  `${config.temporal.task_queue_prefix}${QUEUE}`;

async function serve(): Promise<void> {
  const config = loadConfig(processEnvironment());
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  await using database = createDatabase(config.database_url.reveal(), { connections: DATABASE_CONNECTIONS });
  const workflowBundle = await bundleWorkflowCode({ workflowsPath: join(import.meta.dirname, 'bare-workflows.ts') });
  const worker = await Worker.create({
    connection: await NativeConnection.connect(await connectionOptions(config.temporal)),
    namespace: config.temporal.namespace,
    taskQueue: bareQueue({ config }),
    workflowBundle,
    activities: createBareActivities(database.pool),
    maxConcurrentActivityTaskExecutions: 50,
    maxCachedWorkflows: 100,
  });
  console.log('the bare worker serves its queue');
  await worker.run();
}

if (import.meta.main) await serve();
