import { once } from 'node:events';
import { serve } from '@hono/node-server';
import { pino } from 'pino';
import { createAgents } from '../agents/agents.ts';
import type { Agents } from '../agents/agents.ts';
import { checkModel } from '../agents/models/models.ts';
import { createApp } from '../api/app.ts';
import type { ApiDeps, DependencyState } from '../api/deps.ts';
import { createDatabase } from '../db/client.ts';
import { askDatabase } from '../db/read/server.ts';
import { listenToEpisodes } from '../db/listen.ts';
import { AppError } from '../errors.ts';
import { checkApprovals, createCatalogue } from './catalogue.ts';
import { createReconstruction } from './reconstruction.ts';
import { codeVersion } from './code-version.ts';
import { openOperatorChannel } from './alerts.ts';
import type { Config } from '../config/config.ts';
import { openArtifactStore } from './artifact-store.ts';
import { createRecoveryApi, watchRecovery } from './recovery-watch.ts';
import { startReplay } from './replay/start.ts';
import { checkInputs } from './check-inputs.ts';
import { checkPriced, chooseModel, isPriced } from './choose-model.ts';
import { listSchedules, steerSchedule } from './temporal/schedules.ts';
import { openEpisodeWorkflows } from './temporal/client.ts';
import { watchEpisodes } from './watch/watch.ts';
import { workflowBuild } from './temporal/workflow-bundle.ts';
import { findLangfuseProject } from './langfuse-project.ts';
import { openLangfuse } from './trace-delivery.ts';

/** A dependency that has not answered by then counts as down. */
const READY_TIMEOUT_MS = 3_000;
/** Requests in progress have this long to end when the API is told to stop. */
const DRAIN_MS = 5_000;

/** Runs the API until the process is told to stop (SIGINT, SIGTERM); resolves when it has drained. */
export async function runApi(config: Config, log: (line: string) => void): Promise<void> {
  await using database = createDatabase(config.database_url.reveal());
  await using listener = listenToEpisodes(config.database_url.reveal());
  const stopping = new AbortController();
  await using store = openArtifactStore(config, database.db);
  await using workflows = await openEpisodeWorkflows(config);
  const logger = pino({ name: 'observatory-api' });
  const recovery = createRecoveryApi(config, { db: database.db, client: workflows.client });
  const { build } = await workflowBuild();
  const agents = createAgents(config.agents);
  const { task_queue_prefix: prefix } = config.temporal;
  const deps: ApiDeps = {
    ...configured(config, agents),
    links: linksOf(config, database.db, stopping.signal),
    recovery,
    db: database.db,
    store,
    startEpisode: (episode) => workflows.startEpisode(episode),
    cancelEpisode: (episode) => workflows.cancelEpisode(episode),
    deleteEpisode: (episode) => workflows.deleteEpisode(episode),
    pauseEpisode: (episode, said) => workflows.pauseEpisode(episode, said),
    resumeEpisode: (episode, said) => workflows.resumeEpisode(episode, said),
    sendMessage: (episode, message) => workflows.sendMessage(episode, message),
    answerStep: (episode, answer) => workflows.answer(episode, answer),
    rewindEpisode: (episode, rewinding) => workflows.rewindEpisode(episode, rewinding),
    startReproduction: (id, requests) => workflows.startReproduction(id, requests),
    reconstruction: createReconstruction({ db: database.db, store, agents }),
    listSchedules: () => listSchedules(workflows.client, prefix),
    steerSchedule: (id, steering) => steerSchedule(workflows.client, { prefix, id }, steering),
    auditCoverage: (audit) => workflows.auditCoverage(audit),
    replays: { build, start: ({ id }) => startReplay(workflows.client, prefix, id) },
    watchEpisode: (id, wake, hear) => listener.subscribe(id, wake, hear),
    stopping: stopping.signal,
    async ready() {
      const [postgres, s3, temporal, langfuse] = await Promise.all([
        check(() => askDatabase(database.db)),
        check(() => store.readyCheck()),
        check(() => workflows.readyCheck()),
        config.langfuse && check(() => askLangfuse(config.langfuse?.base_url ?? '')),
      ]);
      // Spans wait for Langfuse; requests do not.
      return { postgres, s3, temporal, ...(langfuse && { langfuse: { ...langfuse, spared: true } }) };
    },
    logger,
  };
  const { host: hostname, port } = config.api;
  const server = serve({ fetch: createApp(deps).fetch, hostname, port });
  await Promise.race([once(server, 'listening'), once(server, 'error').then(([error]) => refuse(error, port))]);
  log(`the API listens on ${config.api.public_url}`);
  await using channel = openOperatorChannel(config, database.db, (event, facts) => logger.warn(facts, event));
  const watch = watchRecovery(recovery.status, channel.alerts);
  const watching = watchEpisodes({
    db: database.db,
    client: workflows.client,
    prefix: config.temporal.task_queue_prefix,
    alerts: channel.alerts,
    log: (message, err) => logger.warn({ err }, message),
  });
  const signal = await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  watch[Symbol.dispose]();
  await watching[Symbol.asyncDispose]();
  logger.info({ signal }, 'stopping');
  stopping.abort();
  const closed = once(server, 'close');
  server.close();
  const timer = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(timer);
}

/** What the API knows from the configuration alone. */
const configured = (
  config: Config,
  agents: Agents,
): Pick<
  ApiDeps,
  | 'catalogue'
  | 'checkRequest'
  | 'chooseModel'
  | 'isPriced'
  | 'namespace'
  | 'code_version'
  | 'environment'
  | 'requests_per_s_max'
  | 'stream_ms_max'
> => ({
  catalogue: () => createCatalogue(config.models, agents),
  chooseModel: (request) => chooseModel(request, config.models, agents),
  isPriced: (model) => isPriced(model, config.models),
  checkRequest(request) {
    const { agent, model, approvals } = request;
    const definition = agents.get(agent);
    checkModel(model, config.models);
    checkApprovals(approvals, agents);
    checkInputs(definition, request);
    checkPriced(request, config.models);
  },
  namespace: config.temporal.namespace,
  code_version: codeVersion(),
  environment: config.mode,
  requests_per_s_max: config.api.requests_per_s_max,
  stream_ms_max: config.api.stream_s_max * 1000,
});

function linksOf(config: Config, db: ApiDeps['db'], signal: AbortSignal): ApiDeps['links'] {
  const client = openLangfuse(config, db);
  const base_url = config.langfuse?.base_url;
  return {
    api_url: config.api.public_url,
    temporal_ui_url: config.temporal.ui_url,
    temporal_namespace: config.temporal.namespace,
    langfuse_project_url: client && base_url ? findLangfuseProject({ base_url, client }, signal) : () => null,
  };
}

async function check(ask: () => Promise<unknown>): Promise<DependencyState> {
  const late = AbortSignal.timeout(READY_TIMEOUT_MS);
  const expired = once(late, 'abort').then(() => {
    throw new AppError('deadline_exceeded', `no answer within ${READY_TIMEOUT_MS / 1000} s`);
  });
  try {
    await Promise.race([ask(), expired]);
    return { state: 'ok' };
  } catch (error) {
    const { code } = AppError.from(error);
    return {
      state: 'down',
      detail: code === 'deadline_exceeded' ? 'does not answer' : `answers with an error (${code})`,
    };
  }
}

async function askLangfuse(base_url: string): Promise<void> {
  const address = `${base_url.replace(/\/+$/, '')}/api/public/health`;
  const { ok } = await fetch(address, { signal: AbortSignal.timeout(READY_TIMEOUT_MS) });
  if (!ok) throw new AppError('unavailable', 'Langfuse says that it is not well');
}

function refuse(error: unknown, port: number): never {
  const taken = (error as { code?: unknown }).code === 'EADDRINUSE';
  throw new AppError(
    'failed_precondition',
    taken ? `port ${port} is taken: choose another with API_PORT` : String(error),
    {
      cause: error,
    },
  );
}
