import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  TimeoutFailure,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { EpisodeActivities } from '../activities/episode.ts';
import type { TerminalReason } from '../schemas/episode.ts';
import type { StepIdentity } from '../schemas/step.ts';
import type { CallRef, CallRequest, EpisodeOutcome, EpisodeProgress, EpisodeRun, Turn } from '../schemas/turn.ts';
import { RECORD, THOUGHT, TOOL_CALL, WORKSPACE_WAIT } from './activity-options.ts';
import { prefixOf } from './names.ts';
import { EPISODE_OUTCOME, EPISODE_STATUS } from './search-attributes.ts';

const { advance } = proxyActivities<EpisodeActivities>(THOUGHT);
const { beginEpisode, settleStep, endEpisode } = proxyActivities<EpisodeActivities>(RECORD);

/**
 * One episode: thought after thought, each with its calls, until the agents agree, a budget is used up, or somebody
 * cancels. It numbers every step before it schedules it, and holds ids only: contents are in the record.
 */
export async function EpisodeWorkflow(run: EpisodeRun): Promise<EpisodeOutcome> {
  const { episode_id, budgets } = run;
  const { runId } = workflowInfo();
  const progress: EpisodeProgress = run.progress ?? firstProgress();
  let open: { step: StepIdentity; key: string } | undefined;

  const close = async (outcome: EpisodeOutcome) => {
    await CancellationScope.nonCancellable(async () => {
      await endEpisode.executeWithOptions({ summary: `end · ${outcome.terminal_reason}` }, [episode_id, outcome]);
      upsertSearchAttributes([
        { key: EPISODE_STATUS, value: outcome.status },
        { key: EPISODE_OUTCOME, value: outcome.terminal_reason },
      ]);
      describe(progress, `**${outcome.status}** · ${outcome.terminal_reason}`);
    });
    return outcome;
  };

  try {
    await beginEpisode.executeWithOptions({ summary: 'begin' }, [episode_id, runId]);
    upsertSearchAttributes([{ key: EPISODE_STATUS, value: 'running' }]);
    for (;;) {
      const exhausted = exhaustedBudget(progress, budgets);
      if (exhausted) return await close({ status: 'stopped', ...exhausted });
      const info = workflowInfo();
      if (info.continueAsNewSuggested || info.historyLength >= run.history_events_max)
        await continueAsNew<typeof EpisodeWorkflow>({ ...run, progress });

      const step: StepIdentity = { episode_id, run_id: runId, seq: progress.seq + 1, parent_seq: null };
      open = { step, key: progress.next_key ?? `thought:${step.seq}` };
      const { thread_id, checkpoint_id, next_key, deliver_seq } = progress;
      const turn = await advance.executeWithOptions({ summary: `${step.seq} · think` }, [
        { step, thread_id, checkpoint_id, next_key, deliver_seq },
      ]);
      open = undefined;
      takeIn(progress, turn);
      if (turn.outcome) return await close(outcomeOf(turn.outcome));
      if (turn.thought) await runCalls(run, progress, { thought: turn.thought, checkpoint_id: turn.checkpoint_id });
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'ContinueAsNew') throw error;
    const ending = endingOf(error);
    if (open) await settle(open.step, { key: open.key, kind: 'thought', name: 'think' }, error);
    await close(ending);
    throw ending.status === 'cancelled' ? error : asFailure(ending, error);
  }
}

function firstProgress(): EpisodeProgress {
  return {
    seq: 0,
    thread_id: null,
    checkpoint_id: null,
    next_key: null,
    deliver_seq: null,
    tokens: 0,
    usd: 0,
    started_ms: Date.now(),
    workspace_queue: null,
  };
}

function takeIn(progress: EpisodeProgress, turn: Turn): void {
  progress.thread_id = turn.thread_id;
  progress.checkpoint_id = turn.checkpoint_id;
  progress.next_key = turn.next_key;
  progress.deliver_seq = null;
  if (!turn.thought) return;
  progress.seq += 1;
  progress.tokens += turn.thought.tokens;
  progress.usd += turn.thought.usd;
  if (turn.thought.calls.length > 0) progress.deliver_seq = progress.seq;
  describe(progress, `**${turn.thought.agent}** is thinking`);
}

/** Runs a thought's calls as activities, numbered in the model's order: read-only ones side by side, the others alone. */
async function runCalls(
  run: EpisodeRun,
  progress: EpisodeProgress,
  { thought, checkpoint_id }: { thought: NonNullable<Turn['thought']>; checkpoint_id: string },
): Promise<void> {
  const parent_seq = progress.seq;
  const steps = thought.calls.map((call) => {
    progress.seq += 1;
    const step = {
      episode_id: run.episode_id,
      run_id: workflowInfo().runId,
      seq: progress.seq,
      parent_seq,
    };
    return { call, step };
  });
  const runOne = ({ call, step }: (typeof steps)[number]) =>
    runCall(progress, { call, step, parent_key: thought.key, checkpoint_id });
  for (let from = 0; from < steps.length;) {
    const reading = steps.slice(from).findIndex(({ call }) => !call.read_only);
    const together = reading === 0 ? 1 : reading < 0 ? steps.length - from : reading;
    const batch = steps.slice(from, from + together);
    describe(progress, `**${thought.agent}** · ${batch.map(({ call }) => call.summary).join(', ')}`);
    const ends = await Promise.allSettled(batch.map(runOne));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) {
      // What was numbered and never ran is part of the record too, so that numbers stay dense.
      for (const { call, step } of steps.slice(from + together))
        await settle(step, { key: `${thought.key}/${call.id}`, kind: call.kind, name: call.name }, failed.reason);
      throw failed.reason;
    }
    from += together;
  }
}

async function runCall(progress: EpisodeProgress, request: CallRequest): Promise<void> {
  const { call, step, parent_key } = request;
  const summary = `${step.seq} · ${call.summary}`;
  try {
    const report = await (call.kind === 'simulation'
      ? proxyActivities<EpisodeActivities>({
          ...TOOL_CALL,
          taskQueue: `${queuePrefix()}simulation`,
        }).simulate.executeWithOptions({ summary }, [request])
      : callWhereWorkspaceIs(progress.workspace_queue, summary, request));
    progress.workspace_queue = report.workspace_queue ?? progress.workspace_queue;
  } catch (error) {
    await settle(step, { key: `${parent_key}/${call.id}`, kind: call.kind, name: call.name }, error);
    throw error;
  }
}

const queuePrefix = () => prefixOf(workflowInfo().taskQueue, 'episodes');

/** The worker that has the workspace on its disk goes first; when it does not come, any worker rebuilds it from the manifest. */
async function callWhereWorkspaceIs(queue: string | null, summary: string, request: CallRequest) {
  const { callTool } = proxyActivities<EpisodeActivities>(TOOL_CALL);
  if (queue) {
    const near = proxyActivities<EpisodeActivities>({
      ...TOOL_CALL,
      taskQueue: queue,
      scheduleToStartTimeout: WORKSPACE_WAIT,
    });
    try {
      return await near.callTool.executeWithOptions({ summary }, [request]);
    } catch (error) {
      const cause = error instanceof ActivityFailure ? error.cause : undefined;
      if (!(cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START')) throw error;
    }
  }
  return callTool.executeWithOptions({ summary }, [request]);
}

/** Records how a step ended that could not say so itself. */
async function settle(
  step: StepIdentity,
  what: { key: string; kind: 'thought' | CallRef['kind']; name: string },
  error: unknown,
): Promise<void> {
  const cancelled = isCancellation(error);
  await CancellationScope.nonCancellable(() =>
    settleStep.executeWithOptions({ summary: `${step.seq} · settle ${what.name}` }, [
      {
        step,
        step_key: what.key,
        kind: what.kind,
        name: what.name,
        status: cancelled ? 'cancelled' : 'error',
        error: cancelled ? { code: 'cancelled', message: 'the episode was cancelled' } : failureOf(error),
      },
    ]),
  );
}

function exhaustedBudget(progress: EpisodeProgress, budgets: EpisodeRun['budgets']) {
  const over = (terminal_reason: TerminalReason, message: string) =>
    ({ terminal_reason, failure_class: 'AGENT_QUALITY', failure: { code: 'resource_exhausted', message } }) as const;
  const wall_s = (Date.now() - progress.started_ms) / 1000;
  if (progress.seq >= budgets.steps) return over('OUT_OF_TURN_BUDGET', `used all of its ${budgets.steps} steps`);
  if (progress.tokens >= budgets.tokens) return over('OUT_OF_TOKEN_BUDGET', `used all of its ${budgets.tokens} tokens`);
  if (progress.usd >= budgets.usd) return over('OUT_OF_COST_BUDGET', `used all of its ${budgets.usd} US dollars`);
  if (wall_s >= budgets.wall_s) return over('TIMEOUT', `used all of its ${budgets.wall_s} seconds`);
  return undefined;
}

function outcomeOf(reason: NonNullable<Turn['outcome']>): EpisodeOutcome {
  if (reason === 'APPROVED')
    return { status: 'completed', terminal_reason: reason, failure_class: null, failure: null };
  if (reason === 'REJECTED_BY_REVIEW')
    return { status: 'completed', terminal_reason: reason, failure_class: 'AGENT_QUALITY', failure: null };
  return {
    status: 'failed',
    terminal_reason: reason,
    failure_class: 'AGENT_SEMANTIC',
    failure: { code: 'failed_precondition', message: 'an agent ended its turn without handing its work on' },
  };
}

/** How an error ends the episode. */
function endingOf(error: unknown): EpisodeOutcome {
  if (isCancellation(error))
    return { status: 'cancelled', terminal_reason: 'USER_CANCELLED', failure_class: null, failure: null };
  const failure = failureOf(error);
  const infra = ['unavailable', 'deadline_exceeded', 'model_failed'].includes(failure.code);
  const ofTool = error instanceof ActivityFailure && ['callTool', 'simulate'].includes(error.activityType);
  return {
    status: 'failed',
    terminal_reason: ofTool ? 'SYSTEM_TOOL_RETRY_EXHAUSTED' : infra ? 'INFRA_ERROR' : 'INTERNAL_ERROR',
    failure_class: infra ? 'INFRA_DEVOPS' : 'APPLICATION_LOGIC',
    failure,
  };
}

function failureOf(error: unknown): { code: string; message: string } {
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'internal', message: cause.message };
  if (cause instanceof TimeoutFailure)
    return { code: 'deadline_exceeded', message: `timed out (${cause.timeoutType})` };
  return { code: 'internal', message: cause instanceof Error ? cause.message : String(cause) };
}

function asFailure({ failure, terminal_reason }: EpisodeOutcome, error: unknown): Error {
  if (error instanceof CancelledFailure) return error;
  return ApplicationFailure.nonRetryable(failure?.message ?? terminal_reason, terminal_reason);
}

/** What Temporal's Web UI shows of the run while one looks at it. */
function describe(progress: EpisodeProgress, doing: string): void {
  setCurrentDetails(
    [doing, '', `- step ${progress.seq}`, `- ${progress.tokens} tokens, ${progress.usd.toFixed(4)} USD`].join('\n'),
  );
}
