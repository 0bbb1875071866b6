import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  ContinueAsNew,
  continueAsNew,
  proxyActivities,
  patched,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { EpisodeActivities } from '../activities/episode/episode.ts';
import type { StepIdentity } from '../schemas/step.ts';
import type { EpisodeOutcome, EpisodeProgress, EpisodeRun, Turn } from '../schemas/turn.ts';
import { RECORD, THOUGHT } from './activity-options.ts';
import { runCalls } from './calls.ts';
import type { CallsRun } from './calls.ts';
import { endingOf, outcomeOf, stoppedBy } from './outcome.ts';
import { listenToPeople } from './people.ts';
import { EPISODE_OUTCOME, EPISODE_STATUS } from './search-attributes.ts';
import { settle } from './settle.ts';
import { spend } from './spend.ts';
import { startAftercare } from './start-aftercare.ts';
import { describe, noteThought, summaryOfThought } from './summaries.ts';

const { advance, standAt } = proxyActivities<EpisodeActivities>(THOUGHT);
const { beginEpisode, endEpisode } = proxyActivities<EpisodeActivities>(RECORD);

/** Wall time is what the record says that steps spent, not what the clock says. */
const WALL_TIME_BY_WORK = 'wall-time-by-work';

/**
 * One episode: thought after thought, each with its calls, until the agents agree, a budget is used up, or somebody
 * cancels. It numbers every step before it schedules it, and holds ids only: contents are in the record.
 */
export async function EpisodeWorkflow(run: EpisodeRun): Promise<EpisodeOutcome> {
  const { episode_id } = run;
  const run_id = workflowInfo().runId;
  const progress = progressOf(run);
  const { ahead, next } = numbering(progress, { episode_id, run_id });
  const people = listenToPeople(progress, (parent_seq) => next(parent_seq ?? null));
  const describeRun = (doing: string) => describe(run, progress, doing);
  const calls: CallsRun = { progress, people, next, describe: describeRun };
  let open: StepIdentity | undefined;

  const close = async (outcome: EpisodeOutcome) => {
    people.close();
    await CancellationScope.nonCancellable(async () => {
      await condition(allHandlersFinished);
      await endEpisode.executeWithOptions({ summary: `end · ${outcome.terminal_reason}` }, [
        episode_id,
        outcome,
        progress.restore_epoch,
      ]);
      upsertSearchAttributes([
        { key: EPISODE_STATUS, value: outcome.status },
        { key: EPISODE_OUTCOME, value: outcome.terminal_reason },
      ]);
      describeRun(`**${outcome.status}** · ${outcome.terminal_reason}`);
      await startAftercare(episode_id);
    });
    return outcome;
  };

  try {
    const began = [episode_id, run_id, progress.restore_epoch] as const;
    progress.restore_epoch = await beginEpisode.executeWithOptions({ summary: 'begin' }, [...began]);
    upsertSearchAttributes([{ key: EPISODE_STATUS, value: 'running' }]);
    if (run.start_after !== undefined && !run.progress) {
      const ended = await goToPlace(run, run.start_after, calls);
      if (ended) return await close(ended);
    }
    for (;;) {
      await people.attend();
      const stopped = stoppedBy(progress, run);
      if (stopped) return await close(stopped);
      const { continueAsNewSuggested, historyLength } = workflowInfo();
      if (continueAsNewSuggested || historyLength >= run.history_events_max) {
        await condition(allHandlersFinished);
        await continueAsNew<typeof EpisodeWorkflow>({ ...run, progress });
      }
      const step = ahead();
      open = step;
      const turn = await advance.executeWithOptions({ summary: summaryOfThought(step.seq, progress) }, [
        { step, ...graphOf(progress), ...timeLeft(progress, run) },
      ]);
      open = undefined;
      takeIn(progress, turn);
      if (turn.thought) describeRun(`**${turn.thought.agent}** is thinking`);
      if (turn.outcome) return await close(outcomeOf(turn.outcome));
      const asked = turn.own ? { key: '', ...turn.own } : turn.thought;
      if (asked) await runCalls(calls, { ...asked, seq: step.seq, checkpoint_id: turn.checkpoint_id, decided: null });
    }
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    if (open)
      await settle(
        open,
        { step_key: progress.next_key ?? `thought:${open.seq}`, kind: 'thought', name: 'think' },
        error,
      );
    const outcome = await close(endingOf(error, run));
    if (outcome.status === 'stopped') return outcome;
    throw outcome.status === 'cancelled' ? error : failureOfRun(outcome);
  }
}

/** Numbers a run's steps: the one ahead, or the next, which then is behind. */
function numbering(progress: EpisodeProgress, run: Pick<StepIdentity, 'episode_id' | 'run_id'>) {
  const at = <Parent extends number | null>(seq: number, parent_seq: Parent) => {
    const { restore_epoch } = progress;
    return { ...run, seq, parent_seq, ...(restore_epoch && { restore_epoch }) };
  };
  const next = <Parent extends number | null>(parent_seq: Parent) => {
    progress.seq += 1;
    return at(progress.seq, parent_seq);
  };
  return { ahead: () => at(progress.seq + 1, null), next };
}

function firstProgress({ first }: EpisodeRun): EpisodeProgress {
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
    paused: null,
    messages: [],
    ...(first !== undefined && { thinks: first }),
  };
}

/** Goes to the recorded place where a first run begins, does what is left to do there, and returns how it ended, if it did there. */
async function goToPlace(
  { episode_id }: EpisodeRun,
  seq: number,
  calls: CallsRun,
): Promise<EpisodeOutcome | undefined> {
  const request = { episode_id, run_id: workflowInfo().runId, seq };
  const resumed = await standAt.executeWithOptions({ summary: `go on after step ${seq}` }, [request]);
  const { messages, ...place } = resumed.progress;
  Object.assign(calls.progress, place);
  calls.progress.messages.unshift(...messages); // what people said meanwhile comes after it
  if (resumed.unfinished) await runCalls(calls, resumed.unfinished);
  return resumed.outcome ? outcomeOf(resumed.outcome) : undefined;
}

/** Where the graph is, as an activity that advances it is told. */
function graphOf({ thread_id, checkpoint_id, next_key, deliver_seq, superstep }: EpisodeProgress) {
  return { thread_id, checkpoint_id, next_key, deliver_seq, ...(superstep !== undefined && { superstep }) };
}

function takeIn(progress: EpisodeProgress, turn: Turn): void {
  progress.thread_id = turn.thread_id;
  progress.checkpoint_id = turn.checkpoint_id;
  progress.next_key = turn.next_key;
  progress.deliver_seq = null;
  if (turn.own) progress.superstep = turn.own.superstep;
  noteThought(progress, turn);
  if (!turn.thought) return;
  progress.seq += 1;
  progress.tokens += turn.thought.tokens;
  progress.usd += turn.thought.usd ?? 0;
  progress.usd_unknown ||= turn.thought.usd === null;
  spend(progress, turn.thought);
  if (turn.thought.calls.length > 0) progress.deliver_seq = progress.seq;
}

/** Where the run stands as it begins. */
function progressOf(run: EpisodeRun): EpisodeProgress {
  const progress: EpisodeProgress = run.progress ?? firstProgress(run);
  // Asked at once, so that a run counts in one way: those that older code began go on by the clock.
  if (patched(WALL_TIME_BY_WORK)) progress.spent_ms ??= Date.now() - progress.started_ms;
  return progress;
}

/** What Temporal is told of an episode that failed. */
const failureOfRun = ({ failure, terminal_reason }: EpisodeOutcome) =>
  ApplicationFailure.nonRetryable(failure?.message ?? terminal_reason, terminal_reason);

/** How much wall time a thought has; nothing in runs that count it by the clock. */
const timeLeft = ({ spent_ms }: EpisodeProgress, { budgets }: EpisodeRun) =>
  spent_ms === undefined ? {} : { left_ms: budgets.wall_s * 1000 - spent_ms };
