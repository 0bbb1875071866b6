import { randomBytes } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { WorkerOptions } from '@temporalio/worker';
import { createSandbox } from '../agents/tools/sandbox.ts';
import { createBackupActivities } from '../activities/backup.ts';
import { createWorkspaces } from '../storage/workspaces.ts';
import { createDatabase } from '../db/client.ts';
import { taskQueue } from '../workflows/names.ts';
import { createActivities } from './activities.ts';
import { openOperatorChannel } from './alerts.ts';
import { openArtifactStore } from './artifact-store.ts';
import type { Config } from '../config/config.ts';
import { openBackups } from './recovery.ts';
import { openReplayStream } from './replay/replay-stream.ts';
import { findSandboxMode } from './sandbox-mode.ts';
import { connectionOptions, openEpisodeWorkflows } from './temporal/client.ts';
import { tracingParts } from './trace-delivery.ts';
import { buildWorkflowBundle } from './temporal/workflow-bundle.ts';

/** Work in progress has this long to end when the worker is told to stop; the rest is retried elsewhere. */
const SHUTDOWN_GRACE = '10s';
/** Open workflows kept in memory; the others are replayed from their history when they go on. */
const CACHED_WORKFLOWS_MAX = 100;
/** How late a cancel may reach an activity: heartbeats carry it, and are not sent more often than this. */
const HEARTBEAT_THROTTLE = '500ms';
/** Activities at once: most wait for a model, a command or a database. */
const ACTIVITIES_MAX = 50;
const DATABASE_CONNECTIONS = 20;

/** Runs a worker for all queues until the process is told to stop (SIGINT, SIGTERM); resolves when it has drained. */
export async function runWorker(config: Config, log: (line: string) => void): Promise<void> {
  const id = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const { namespace, task_queue_prefix: prefix } = config.temporal;
  const bundle = await buildWorkflowBundle(config.cache);
  const { codePath, build } = bundle;
  const sandboxMode = await findSandboxMode(config.sandbox.mode);
  if (sandboxMode.kind === 'refuse') log(`commands of agents are refused: ${sandboxMode.reason}`);
  if (sandboxMode.kind === 'unsafe')
    log('commands of agents run without a sandbox, as OBSERVATORY_SANDBOX=unsafe asks');

  await using database = createDatabase(config.database_url.reveal(), { connections: DATABASE_CONNECTIONS });
  await using store = openArtifactStore(config, database.db);
  await using backups = await openBackups(config, database);
  await using workspaces = createWorkspaces({ store, root: join(tmpdir(), `observatory-${id}`) });
  await using workflows = await openEpisodeWorkflows(config);
  await using replays = openReplayStream(bundle);
  await using channel = openOperatorChannel(config, database.db, (event, facts) =>
    log(`${event.toUpperCase()} ${JSON.stringify(facts)}`),
  );
  const queues = { ...queueNames(prefix), workspace: `${prefix}workspace-${id}` };
  const sandbox = createSandbox(sandboxMode, process.execPath);
  const { episode, calls, sweep, traces } = createActivities({
    ...database,
    store,
    workspaces,
    workflows,
    sandbox,
    models: config.models,
    agents: config.agents,
    namespace,
    worker: { id, build },
    replays,
    queues,
    tracing: tracingParts(config, { ...channel, db: database.db }, log),
    retention: config.retention,
  });

  installRuntime();
  const connection = await NativeConnection.connect(await connectionOptions(config.temporal));
  const serve = (options: Omit<WorkerOptions, 'connection' | 'namespace'>) =>
    Worker.create({
      connection,
      namespace,
      identity: id,
      shutdownGraceTime: SHUTDOWN_GRACE,
      maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
      maxConcurrentActivityTaskExecutions: ACTIVITIES_MAX,
      ...options,
    });
  const workflowOptions = {
    workflowBundle: { codePath },
    maxCachedWorkflows: CACHED_WORKFLOWS_MAX,
    stickyQueueScheduleToStartTimeout: '2s',
  };
  const workers = await Promise.all([
    serve({ taskQueue: queues.episodes, ...workflowOptions, activities: episode }),
    serve({ taskQueue: queues.workspace, activities: calls }),
    serve({ taskQueue: queues.simulation, activities: calls }),
    serve({
      taskQueue: queues.maintenance,
      ...workflowOptions,
      activities: { ...sweep, ...traces, ...createBackupActivities(backups) },
    }),
  ]);
  flushCompileCache();
  log(`worker ${id} serves ${prefix}episodes, simulation and maintenance (build ${build})`);
  try {
    await Promise.all(workers.map((one) => one.run()));
  } finally {
    await connection.close();
  }
}

/** Errors are worth a line, and what the SDK's core warns of. */
function installRuntime(): void {
  const filter = makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' });
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter } } });
}

const queueNames = (prefix: string) => ({
  episodes: taskQueue(prefix, 'episodes'),
  simulation: taskQueue(prefix, 'simulation'),
  maintenance: taskQueue(prefix, 'maintenance'),
});
