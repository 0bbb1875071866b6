import type { History } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import type { ReplayWorkerOptions } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { AppError } from '../../errors.ts';
import type { Replay, ReplayMismatch } from '../../schemas/replay.ts';
import type { WorkflowBundle } from '../temporal/workflow-bundle.ts';
import { findMismatch } from './commands.ts';
import type { Answer } from './commands.ts';
import { describeEvent, factsOf, idOf } from './history-events.ts';
import type { HistoryFacts } from './history-events.ts';

/** Answers that are kept to name a difference by: the core has looked at all but the newest. */
const ANSWERS_KEPT = 4;

/** Called before the code answers an activation, with the number of the event that the replay has reached. */
export type OnActivation = (history_length: number) => void;

/**
 * Replays histories against the workflow code, one after another: the code runs again, and what it asks for is held
 * against what happened. Nothing else happens: no server is spoken to, no activity runs. Verdicts come in their order.
 */
export async function* replayHistories(
  { codePath, build }: WorkflowBundle,
  histories: AsyncIterable<History> | Iterable<History>,
  { onActivation, ...options }: { onActivation?: OnActivation } & Omit<ReplayWorkerOptions, 'workflowBundle'> = {},
): AsyncGenerator<Replay> {
  const progress: Progress = { reached: 0, answers: [] };
  let current: { history: History; facts: HistoryFacts } | undefined;
  async function* sources() {
    for await (const history of histories) {
      current = { history: underItsOwnRun(history), facts: factsOf(history) };
      progress.reached = 0;
      progress.answers = [];
      yield { workflowId: current.facts.workflow_id, history: current.history };
    }
  }
  const Watched = watchedWorker(progress, onActivation);
  const results = Watched.runReplayHistories({ ...options, workflowBundle: { codePath } }, sources());
  for await (const { error } of results) {
    if (!current) throw new AppError('internal', 'a replay ended that had not begun');
    yield { build, ...judge(current, progress, error) };
  }
}

/**
 * The core replays a run that was reset under the id of the run that it was cut from, while the code ran under its own,
 * which names the child that cares for it: it has to find its own id there.
 */
function underItsOwnRun(history: History): History {
  const [first, ...rest] = history.events ?? [];
  const started = first?.workflowExecutionStartedEventAttributes;
  const { run_id } = factsOf(history);
  if (!started || started.originalExecutionRunId === run_id) return history;
  const own = { ...started, originalExecutionRunId: run_id };
  return { ...history, events: [{ ...first, workflowExecutionStartedEventAttributes: own }, ...rest] };
}

/** In a process that is no worker: what the SDK would print of a replay that fails is in the verdict. */
export function quietRuntime(): void {
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  Runtime.install({ logger: new DefaultLogger('ERROR', () => {}), telemetryOptions: { logging: { filter } } });
}

/** How far a replay came, and the newest answers of the code. */
type Progress = { reached: number; answers: Answer[] };

/** The SDK's replaying worker, reporting which tasks it reached: its own verdict does not say, also where it reached none. */
function watchedWorker(progress: Progress, onActivation: OnActivation | undefined) {
  return class extends Worker {
    protected override async handleActivation(...[workflow, given]: Parameters<Worker['handleActivation']>) {
      const evicted = given.activation.jobs.every(({ removeFromCache }) => removeFromCache);
      const history_length = given.activation.historyLength;
      if (!evicted) onActivation?.(history_length);
      const handled = await super.handleActivation(workflow, given);
      const { completion } = handled.output;
      if (evicted || !completion) return handled;
      progress.reached = Math.max(progress.reached, history_length);
      progress.answers = [...progress.answers.slice(1 - ANSWERS_KEPT), { history_length, completion }];
      return handled;
    }
  };
}

function judge(
  { history, facts }: { history: History; facts: HistoryFacts },
  { reached, answers }: Progress,
  error: Error | undefined,
): Omit<Replay, 'build'> {
  const { events, workflow_tasks, failed_tasks, completed, open_task_id } = facts;
  const replayed_tasks = completed.filter(({ started_id }) => started_id <= reached).length;
  const uncovered =
    open_task_id === null ? null : `the task of event ${open_task_id} had not completed and is not covered`;
  const counts = { events, workflow_tasks, replayed_tasks, uncovered };
  const unreplayable = (detail: string) => ({ verdict: 'unreplayable' as const, ...counts, mismatch: null, detail });
  if (workflow_tasks === 0)
    return unreplayable(`no task completed (${failed_tasks} failed): there is nothing to compare`);
  if (error && !(error instanceof DeterminismViolationError)) return unreplayable(wordsOf(error.message));
  const mismatch = findMismatch(history, facts, answers) ?? (error && fromMessage(history, error.message));
  if (mismatch)
    return { verdict: 'nondeterministic', ...counts, mismatch, detail: error ? wordsOf(error.message) : null };
  if (replayed_tasks < workflow_tasks) return unreplayable('the replay ended before the history did');
  return { verdict: 'deterministic', ...counts, mismatch: null, detail: null };
}

/** The core's own sentence, out of the structure around it. */
const wordsOf = (message: string): string => /\[TMPRL\d+\] [^"\\]*/.exec(message)?.[0] ?? message;

/** What the core says of a difference that the kinds of commands and events do not show, such as a child's id. */
function fromMessage({ events }: History, message: string): ReplayMismatch {
  const [, what, ofEvent, ofCommand] =
    /error: ([\w ]+) of scheduled event '(.+?)' does not match .*?'(.+?)'/.exec(message) ?? [];
  if (what && ofEvent && ofCommand)
    return { event_id: null, history: `${what} ${ofEvent}`, code: `${what} ${ofCommand}` };
  const [, id] = /HistoryEvent\(id: (\d+)/.exec(message) ?? [];
  const event = id === undefined ? undefined : events?.find((one) => idOf(one) === Number(id));
  return {
    event_id: event ? idOf(event) : null,
    history: event ? describeEvent(event) : 'something else',
    code: 'something else',
  };
}
