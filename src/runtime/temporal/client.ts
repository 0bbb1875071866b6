import { readFile } from 'node:fs/promises';
import {
  Client,
  Connection,
  NamespaceNotFoundError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type { ReproduceRequest } from '../../activities/reproduce.ts';
import { firstThinker } from '../../agents/agents.ts';
import { AppError } from '../../errors.ts';
import { pageUrlOf } from '../../identity.ts';
import type { Episode } from '../../schemas/episode.ts';
import type { SpokenAnswer, SpokenMessage, SpokenPause } from '../../schemas/person.ts';
import type { EpisodeRun } from '../../schemas/turn.ts';
import { answerUpdate, messageUpdate, pauseSignal, resumeSignal } from '../../workflows/messages.ts';
import {
  COVERAGE_AUDIT_WORKFLOW,
  coverageAuditIdOf,
  deletionIdOf,
  EPISODE_RETENTION_WORKFLOW,
  EPISODE_WORKFLOW,
  REPRODUCE_WORKFLOW,
  taskQueue,
} from '../../workflows/names.ts';
import type { CoverageAudit } from '../../schemas/coverage.ts';
import { AGENT_NAME, EPISODE_STATUS, EPISODE_TASK } from '../../workflows/search-attributes.ts';
import { lookAtWorkflow } from '../watch/stuck.ts';
import { startAmendment } from './amend.ts';
import { rewindEpisode } from './rewind.ts';
import type { Rewinding } from './rewind.ts';
import type { Config, TemporalConfig } from '../../config/config.ts';

/** A call to Temporal from the API answers within this time, or says that Temporal is away. */
const CALL_TIMEOUT_MS = 3_000;
/** What a person says is checked by the workflow, so a worker has to answer: one that has just started needs this long. */
const PERSON_TIMEOUT_MS = 10_000;
/** The whole history is read for it. */
const REWIND_TIMEOUT_MS = 20_000;
/** A run continues as new from this many events on, below the 4,096 at which the server suggests it. */
const HISTORY_EVENTS_MAX = 4_000;
/** What Temporal's UI shows of a task in its lists, in UTF-16 units. */
const TASK_LINE_CHARS_MAX = 100;

/** The options with which clients and workers reach Temporal. */
export async function connectionOptions({ address, api_key, tls }: TemporalConfig) {
  const read = async (path: string | undefined) => (path === undefined ? undefined : readFile(path));
  const [ca, crt, key] = await Promise.all([read(tls?.ca_path), read(tls?.cert_path), read(tls?.key_path)]);
  return {
    address,
    ...(api_key && { apiKey: api_key.reveal() }),
    ...(tls && {
      tls: {
        ...(tls.server_name && { serverNameOverride: tls.server_name }),
        ...(ca && { serverRootCACertificate: ca }),
        ...(crt && key && { clientCertPair: { crt, key } }),
      },
    }),
  };
}

/** What the API and the sweeps ask of Temporal. */
export type EpisodeWorkflows = AsyncDisposable & {
  client: Client;
  /** Starts the episode's workflow; starting it twice starts it once. Throws `unavailable` when Temporal is away. */
  startEpisode(episode: Episode): Promise<void>;
  /** Begins a new run, in place of the one that Temporal may have, after this step of the record; returns the run's id. */
  continueEpisode(episode: Episode, after_seq: number): Promise<string>;
  /** Asks the episode's workflow to cancel; where Temporal runs it no more, its record ends as that says. Throws `unavailable` without Temporal. */
  cancelEpisode(episode: Episode): Promise<void>;
  /** Starts what deletes the episode; asking twice deletes once. Throws `unavailable` when Temporal is away. */
  deleteEpisode(episode: Episode): Promise<void>;
  /** Removes every closed run of a workflow from Temporal. */
  forgetRuns(workflowId: string): Promise<void>;
  /** Pauses the episode before its next thought or call. Here and below, the words stand in the record under `id`, and do not come along. */
  pauseEpisode(episode: Episode, said: SpokenPause): Promise<void>;
  /** Lets a paused episode go on. */
  resumeEpisode(episode: Episode, said: { author: string }): Promise<void>;
  /** Sends the agents a message, delivered before their next thought. Throws failed_precondition once the episode has ended. */
  sendMessage(episode: Episode, message: SpokenMessage): Promise<void>;
  /** Answers the question or approval that a step waits for. Throws failed_precondition where it waits for none. */
  answer(episode: Episode, answer: SpokenAnswer): Promise<void>;
  /** Audits an episode's coverage now, unless that is being done. */
  auditCoverage(audit: CoverageAudit): Promise<{ workflow_id: string }>;
  /** Takes the episode back to a step. Throws failed_precondition where it cannot go there. */
  rewindEpisode(episode: Episode, rewinding: Rewinding): Promise<void>;
  /** Starts running recorded simulations again; under one id once. */
  startReproduction(workflowId: string, requests: ReproduceRequest[]): Promise<void>;
  /** Resolves when Temporal answers, else throws `unavailable`. */
  readyCheck(): Promise<void>;
};

/** Opens a client that connects when it is first used, so that a process starts while Temporal is away. */
export async function openEpisodeWorkflows({
  temporal: config,
  api: { public_url },
}: Pick<Config, 'temporal' | 'api'>): Promise<EpisodeWorkflows> {
  const place = { prefix: config.task_queue_prefix, public_url };
  const connection = Connection.lazy(await connectionOptions(config));
  const client = new Client({ connection, namespace: config.namespace });
  const call = <T>(work: () => Promise<T>, timeout_ms = CALL_TIMEOUT_MS) =>
    connection.withDeadline(Date.now() + timeout_ms, work).catch((error: unknown) => {
      throw asAppError(error);
    });
  const handleOf = ({ workflow_id }: Episode) => client.workflow.getHandle(workflow_id);
  return {
    client,
    startEpisode: (episode) => call(() => startEpisode(client, place, episode)),
    continueEpisode: (episode, after_seq) => call(() => continueEpisode(client, place, { episode, after_seq })),
    cancelEpisode: (episode) =>
      call(async () => {
        // One that was accepted and not started yet is started first: only its workflow ends an episode.
        if (episode.status === 'queued') await startEpisode(client, place, episode);
        await cancelEpisode(client, place, episode);
      }),
    deleteEpisode: ({ id }) =>
      call(async () => {
        await client.workflow.start(EPISODE_RETENTION_WORKFLOW, {
          workflowId: deletionIdOf(id),
          taskQueue: taskQueue(config.task_queue_prefix, 'maintenance'),
          workflowIdConflictPolicy: 'USE_EXISTING',
          args: [{ episode_id: id }],
        });
      }),
    forgetRuns: async (workflowId) => forgetRuns(client, workflowId),
    pauseEpisode: (episode, { id, author }) =>
      call(() => handleOf(episode).signal(pauseSignal, { author, words: { kind: 'pause', key: id } })),
    resumeEpisode: (episode, said) => call(() => handleOf(episode).signal(resumeSignal, said)),
    sendMessage: (episode, { id, author }) => {
      const message = { id, author, words: { kind: 'message', key: id } as const };
      const say = () => handleOf(episode).executeUpdate(messageUpdate, { args: [message], updateId: `message:${id}` });
      return call(say, PERSON_TIMEOUT_MS);
    },
    answer: (episode, { id, author, step, approve }) => {
      const answer = { id, author, step, approve, words: { kind: 'answer', key: id } as const };
      const say = () => handleOf(episode).executeUpdate(answerUpdate, { args: [answer], updateId: `answer:${id}` });
      return call(say, PERSON_TIMEOUT_MS);
    },
    auditCoverage: (audit) => call(() => startAudit(client, config.task_queue_prefix, audit)),
    rewindEpisode: (episode, rewinding) => call(() => rewindEpisode(client, episode, rewinding), REWIND_TIMEOUT_MS),
    startReproduction: (workflowId, requests) =>
      call(() => startReproduction(client, { workflowId, requests, prefix: config.task_queue_prefix })),
    readyCheck: () =>
      call(async () => {
        await connection.workflowService.describeNamespace({ namespace: config.namespace });
      }),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

async function startEpisode({ workflow }: Client, place: Place, episode: Episode): Promise<void> {
  try {
    await workflow.start(EPISODE_WORKFLOW, { ...runOf(place, episode), workflowIdReusePolicy: 'REJECT_DUPLICATE' });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

async function cancelEpisode(client: Client, { prefix }: Place, episode: Episode): Promise<void> {
  try {
    await client.workflow.getHandle(episode.workflow_id).cancel();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    const { run_id } = await lookAtWorkflow(client, episode.workflow_id);
    await startAmendment(client, prefix, { ...episode, run_id });
  }
}

async function continueEpisode(
  { workflow }: Client,
  place: Place,
  { episode, after_seq }: { episode: Episode; after_seq: number },
): Promise<string> {
  const handle = await workflow.start(EPISODE_WORKFLOW, {
    ...runOf(place, episode, after_seq),
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'TERMINATE_EXISTING',
  });
  // Workers are stopped while a record is reconciled: it gets this before it does anything.
  const said = { author: 'observatory', text: 'it was paused before the record was restored' };
  if (episode.status === 'paused') await handle.signal(pauseSignal, said);
  return handle.firstExecutionRunId;
}

type Reproducing = { workflowId: string; requests: ReproduceRequest[]; prefix: string };

async function startReproduction(client: Client, { workflowId, requests, prefix }: Reproducing): Promise<void> {
  const options = { taskQueue: taskQueue(prefix, 'maintenance'), staticSummary: 'Simulates again' };
  try {
    await client.workflow.start(REPRODUCE_WORKFLOW, { workflowId, args: [requests], ...options });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** The prefix of the deployment's queues, and where people reach it. */
type Place = { prefix: string; public_url: string };

/** What a run of the episode's workflow is started with. */
function runOf({ prefix, public_url }: Place, episode: Episode, start_after = episode.forked_from_seq) {
  const first = firstThinker(episode.agent);
  const task_line = taskLine(episode.task);
  const run: EpisodeRun = {
    episode_id: episode.id,
    budgets: episode.budgets,
    history_events_max: HISTORY_EVENTS_MAX,
    ...(start_after !== null && { start_after }),
    task_line,
    page_url: pageUrlOf(public_url, episode.id),
    first,
  };
  return {
    workflowId: episode.workflow_id,
    taskQueue: taskQueue(prefix, 'episodes'),
    args: [run],
    typedSearchAttributes: new TypedSearchAttributes([
      { key: EPISODE_STATUS, value: episode.status },
      { key: AGENT_NAME, value: episode.agent },
      { key: EPISODE_TASK, value: task_line },
    ]),
    staticSummary: task_line,
  };
}

async function forgetRuns(
  { workflow, workflowService, options: { namespace } }: Client,
  workflowId: string,
): Promise<void> {
  for await (const { runId } of workflow.list({ query: `WorkflowId = '${workflowId}'` }))
    await workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId, runId } });
}

async function startAudit(client: Client, prefix: string, { episode_id, repair }: CoverageAudit) {
  const workflow_id = `${prefix}${coverageAuditIdOf(episode_id, repair)}`;
  await client.workflow.start(COVERAGE_AUDIT_WORKFLOW, {
    workflowId: workflow_id,
    taskQueue: taskQueue(prefix, 'maintenance'),
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ episode_id, repair }],
  });
  return { workflow_id };
}

/** Temporal's refusals in our words. What it does not answer at all, it is away for. */
function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof WorkflowNotFoundError) return new AppError('failed_precondition', GONE, { cause: error });
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
    return new AppError('unavailable', 'no worker took it in: say it again when one runs', { cause: error });
  if (error instanceof WorkflowUpdateFailedError)
    return new AppError('failed_precondition', error.cause?.message ?? error.message, { cause: error });
  // What gRPC calls 5: Temporal answers that it keeps no such run, for instance since its retention has passed.
  if ((error as { code?: unknown }).code === NOT_FOUND)
    return new AppError('failed_precondition', `${GONE} A fork goes on from its steps.`, { cause: error });
  const refusal = refusalOf(error);
  const message = refusal === undefined ? 'Temporal does not answer' : `Temporal refused it: ${refusal}`;
  return new AppError('unavailable', message, { cause: error });
}

const NOT_FOUND = 5;
/** What gRPC calls the statuses of a server that did not answer: cancelled, deadline exceeded, unavailable. */
const UNANSWERED: ReadonlySet<unknown> = new Set([1, 4, 14]);

/** What Temporal said where it answered and would not; undefined where it did not answer. */
function refusalOf(error: unknown): string | undefined {
  if (error instanceof NamespaceNotFoundError) return error.message;
  const { code, details, cause } = error as { code?: unknown; details?: unknown; cause?: unknown };
  if (typeof code === 'number') return UNANSWERED.has(code) || typeof details !== 'string' ? undefined : details;
  return cause instanceof Error ? refusalOf(cause) : undefined;
}

const GONE = 'Temporal runs this episode no more: it has ended, and its record says so within a minute.';

function taskLine(task: string): string {
  const line = task.split('\n', 1)[0] ?? '';
  return line.length <= TASK_LINE_CHARS_MAX ? line : `${line.slice(0, TASK_LINE_CHARS_MAX - 1)}…`;
}
