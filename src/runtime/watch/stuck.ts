import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { AppError } from '../../errors.ts';
import type { Stuck } from '../../schemas/episode.ts';
import type { WorkflowState } from '../../schemas/workflow-state.ts';

/** A task of workflow code that failed this often fails again: a try or two are lost to a worker that stops. */
const TASK_ATTEMPTS_MIN = 3;
/** An activity that failed this often has been waited for about half a minute. */
const ACTIVITY_ATTEMPTS_MIN = 6;
/** A task that no worker takes for this long counts as stuck. */
const UNTAKEN_MS_MAX = 60_000;
/** The most of an error's text that is kept. In UTF-16 units. */
const REASON_CHARS_MAX = 500;
/** The newest events among which the failure of a task is looked for. */
const NEWEST_EVENTS = 20;

/** Of Temporal's API: WorkflowExecutionStatus, PendingWorkflowTaskState and PendingActivityState. */
const RUNNING = 1;
const TERMINATED = 5;
const TASK_STARTED = 2;
const ACTIVITY_SCHEDULED = 1;

type Described = Awaited<ReturnType<Client['workflowService']['describeWorkflowExecution']>>;
type Time = { seconds?: unknown; nanos?: number | null } | null | undefined;

/** The state of a workflow in Temporal, asked by its id, so that the newest run of its chain answers. Throws `unavailable`. */
export async function lookAtWorkflow(client: Client, workflowId: string): Promise<WorkflowState> {
  try {
    const described = await client.workflowService.describeWorkflowExecution({
      namespace: client.options.namespace,
      execution: { workflowId },
    });
    const info = described.workflowExecutionInfo;
    const run_id = info?.execution?.runId ?? '';
    if (Number(info?.status) === RUNNING)
      return { state: 'running', run_id, stuck: await findStuck(client, described) };
    const terminated = Number(info?.status) === TERMINATED;
    return { state: 'closed', run_id, terminated, ...(await readClosing(client, { workflowId, runId: run_id })) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || (error as { code?: unknown }).code === NOT_FOUND)
      return { state: 'missing', run_id: null };
    throw new AppError('unavailable', 'Temporal does not answer', { cause: error });
  }
}

/** gRPC's status. */
const NOT_FOUND = 5;

type Execution = { workflowId: string; runId: string };

/** Who closed a run, and why, by its last event. */
async function readClosing(client: Client, execution: Execution): Promise<{ by: string; reason: string }> {
  const [last] = await newestEvents(client, execution, 1);
  const ended = last?.workflowExecutionTerminatedEventAttributes;
  const reason = ended?.reason ?? last?.workflowExecutionFailedEventAttributes?.failure?.message ?? '';
  return { by: cut(ended?.identity ?? ''), reason: cut(reason) };
}

async function findStuck(client: Client, described: Described): Promise<Stuck | null> {
  return (await stuckTask(client, described)) ?? stuckActivity(described);
}

/** A task of the workflow's code that fails again and again, or that no worker takes. */
async function stuckTask(client: Client, described: Described): Promise<Stuck | null> {
  const task = described.pendingWorkflowTask;
  if (!task) return null;
  const attempt = task.attempt ?? 1;
  const since = toIso(task.originalScheduledTime ?? task.scheduledTime);
  const build = described.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId;
  if (attempt >= TASK_ATTEMPTS_MIN) {
    const { workflowId = '', runId = '' } = described.workflowExecutionInfo?.execution ?? {};
    const events = await newestEvents(client, { workflowId: workflowId ?? '', runId: runId ?? '' }, NEWEST_EVENTS);
    const failed = events.find((event) => event.workflowTaskFailedEventAttributes);
    const why = failed?.workflowTaskFailedEventAttributes?.failure?.message;
    const began = failed ? toIso(failed.eventTime) : since;
    const because = why ? `it fails: ${cut(why)}` : 'it fails or times out again and again';
    return { waits_for: 'a task of its workflow code', since: began, attempt, because };
  }
  if (Number(task.state) === TASK_STARTED || ageOf(task.scheduledTime) < UNTAKEN_MS_MAX) return null;
  const because = build ? `no worker of build ${build} takes it` : 'no worker takes it';
  return { waits_for: 'a worker for its workflow code', since, attempt, because };
}

/** An activity that fails again and again, or that no worker takes. */
function stuckActivity({ pendingActivities }: Described): Stuck | null {
  for (const pending of pendingActivities ?? []) {
    const { state, scheduledTime, lastStartedTime, lastFailure } = pending;
    const attempt = pending.attempt ?? 1;
    const waits_for = pending.activityType?.name ?? 'an activity';
    if (attempt >= ACTIVITY_ATTEMPTS_MIN) {
      const why = lastFailure?.message;
      const since = toIso(earlier(scheduledTime, lastStartedTime));
      return { waits_for, since, attempt, because: why ? cut(why) : 'its tries end without a word' };
    }
    const untaken = Number(state) === ACTIVITY_SCHEDULED && !lastStartedTime && ageOf(scheduledTime) >= UNTAKEN_MS_MAX;
    if (untaken) return { waits_for, since: toIso(scheduledTime), attempt, because: 'no worker takes it' };
  }
  return null;
}

async function newestEvents(client: Client, execution: Execution, maximumPageSize: number) {
  const { namespace } = client.options;
  const newest = { namespace, execution, maximumPageSize };
  return (await client.workflowService.getWorkflowExecutionHistoryReverse(newest)).history?.events ?? [];
}

const msOf = (time: Time): number => Number(time?.seconds ?? 0) * 1000 + Math.floor((time?.nanos ?? 0) / 1e6);
const toIso = (time: Time): string => new Date(msOf(time)).toISOString();
const ageOf = (time: Time): number => (time ? Date.now() - msOf(time) : 0);
const earlier = (a: Time, b: Time): Time => (a && b ? (msOf(a) < msOf(b) ? a : b) : (a ?? b));
const cut = (text: string): string =>
  text.length <= REASON_CHARS_MAX ? text : `${text.slice(0, REASON_CHARS_MAX - 1)}…`;
