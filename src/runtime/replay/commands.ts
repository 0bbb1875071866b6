import proto from '@temporalio/proto';
import type { coresdk } from '@temporalio/proto';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { ReplayMismatch } from '../../schemas/replay.ts';
import { causeOf, describeEvent, idOf, nameOf } from './history-events.ts';
import type { HistoryEvent, HistoryFacts } from './history-events.ts';

/** What the code answered to one activation: how far history had come, and its completion as it goes to the SDK's core. */
export type Answer = { history_length: number; completion: Uint8Array };

type Command = NonNullable<coresdk.workflow_completion.ISuccess['commands']>[number];

/** The first place where what the code asked for in the newest tasks differs from what their events say; undefined where none does. */
export function findMismatch(
  { events }: History,
  facts: HistoryFacts,
  answers: readonly Answer[],
): ReplayMismatch | undefined {
  const asked = Map.groupBy(answers, ({ history_length }) => history_length);
  for (const [length, ofTask] of [...asked].toSorted(([a], [b]) => a - b)) {
    const task = facts.completed.find(({ started_id }) => started_id === length);
    if (!task) continue;
    const made = (events ?? []).filter((event) => causeOf(event) === task.completed_id).filter(isOfCode);
    const wanted = ofTask.flatMap(({ completion }) => commandsOf(completion)).flatMap(describeCommand);
    const mismatch = compare(made, wanted, task.completed_id);
    if (mismatch) return mismatch;
  }
  return undefined;
}

/** The search attribute that goes with a patch's marker is the core's own. */
const isOfCode = (event: HistoryEvent, place: number, all: readonly HistoryEvent[]): boolean =>
  !(
    event.upsertWorkflowSearchAttributesEventAttributes &&
    all[place - 1]?.markerRecordedEventAttributes?.markerName === 'core_patch'
  );

function compare(made: HistoryEvent[], wanted: string[], completed_id: number): ReplayMismatch | undefined {
  for (let place = 0; place < Math.max(made.length, wanted.length); place += 1) {
    const event = made[place];
    const history = event ? label(event) : 'nothing more';
    const code = wanted[place] ?? 'nothing more';
    if (history === code) continue;
    return { event_id: event ? idOf(event) : completed_id + place + 1, history, code };
  }
  return undefined;
}

/** Timers have numbers of their own in the core: their kind is what counts. */
const label = (event: HistoryEvent): string =>
  event.timerStartedEventAttributes || event.markerRecordedEventAttributes ? nameOf(event) : describeEvent(event);

function commandsOf(completion: Uint8Array): Command[] {
  return (
    proto.coresdk.workflow_completion.WorkflowActivationCompletion.decodeDelimited(completion).successful?.commands ??
    []
  );
}

/** The event that a command would make, in history's words; none for commands that make none. */
function describeCommand(command: Command): string[] {
  const { scheduleActivity, startChildWorkflowExecution: child, continueAsNewWorkflowExecution: again } = command;
  if (scheduleActivity) return [`ActivityTaskScheduled(${scheduleActivity.activityType})`];
  if (child) return [`StartChildWorkflowExecutionInitiated(${child.workflowType})`];
  if (again) return [`WorkflowExecutionContinuedAsNew(${again.workflowType})`];
  const plain = Object.entries(EVENT_OF_COMMAND).find(([name]) => command[name as keyof Command]);
  return plain ? [plain[1]] : [];
}

const EVENT_OF_COMMAND = {
  startTimer: 'TimerStarted',
  cancelTimer: 'TimerCanceled',
  requestCancelActivity: 'ActivityTaskCancelRequested',
  setPatchMarker: 'MarkerRecorded',
  completeWorkflowExecution: 'WorkflowExecutionCompleted',
  failWorkflowExecution: 'WorkflowExecutionFailed',
  cancelWorkflowExecution: 'WorkflowExecutionCanceled',
  signalExternalWorkflowExecution: 'SignalExternalWorkflowExecutionInitiated',
  requestCancelExternalWorkflowExecution: 'RequestCancelExternalWorkflowExecutionInitiated',
  upsertWorkflowSearchAttributes: 'UpsertWorkflowSearchAttributes',
  modifyWorkflowProperties: 'WorkflowPropertiesModified',
} as const satisfies Partial<Record<keyof Command, string>>;
