import type { History } from '@temporalio/common/lib/proto-utils.js';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import proto from '@temporalio/proto';
import { AppError } from '../../errors.ts';
import type { TaskCounts } from '../../schemas/replay.ts';

export type HistoryEvent = NonNullable<History['events']>[number];
const { EventType } = proto.temporal.api.enums.v1;

/** A workflow task that completed: the event that began it, and the event of its completion, which its commands name. */
export type CompletedTask = { started_id: number; completed_id: number };

/** What a history says of itself. */
export type HistoryFacts = TaskCounts & {
  workflow_id: string;
  run_id: string;
  /** The runs that this one goes on from: the one that continued as new, and the one that was reset. */
  earlier_runs: string[];
  completed: CompletedTask[];
  /** The event that began a task which had not ended when the history was read. */
  open_task_id: number | null;
  /** The event that closed the run; null while it runs. */
  closed_by: string | null;
};

/** A history from the JSON that Temporal's tools write. Throws invalid_argument for anything else. */
export function parseHistory(text: string): History {
  try {
    const history = historyFromJSON(JSON.parse(text));
    factsOf(history);
    return history;
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('invalid_argument', 'This is no history of a workflow in JSON.', { cause });
  }
}

/** Reads a history through, once. Throws invalid_argument where it does not begin with a workflow's start. */
export function factsOf({ events }: History): HistoryFacts {
  const first = events?.[0]?.workflowExecutionStartedEventAttributes;
  if (!events || !first) throw new AppError('invalid_argument', 'The history does not begin with a workflow’s start.');
  const facts: HistoryFacts = {
    workflow_id: first.workflowId ?? '',
    run_id: first.originalExecutionRunId ?? '',
    earlier_runs: first.continuedExecutionRunId ? [first.continuedExecutionRunId] : [],
    events: events.length,
    workflow_tasks: 0,
    failed_tasks: 0,
    completed: [],
    open_task_id: null,
    closed_by: null,
  };
  for (const event of events) readEvent(facts, event);
  facts.workflow_tasks = facts.completed.length;
  return facts;
}

function readEvent(facts: HistoryFacts, event: HistoryEvent): void {
  const { workflowTaskCompletedEventAttributes: completed, workflowTaskFailedEventAttributes: failed } = event;
  if (event.workflowTaskScheduledEventAttributes) facts.open_task_id = idOf(event);
  if (completed) {
    facts.completed.push({ started_id: Number(completed.startedEventId), completed_id: idOf(event) });
    facts.open_task_id = null;
  }
  if (failed ?? event.workflowTaskTimedOutEventAttributes) {
    facts.failed_tasks += 1;
    facts.open_task_id = null;
  }
  // A reset's mark: the run that it was cut from.
  if (failed?.baseRunId && failed.newRunId) {
    facts.earlier_runs.push(failed.baseRunId);
    facts.run_id = failed.newRunId;
  }
  if (CLOSING.has(Number(event.eventType))) facts.closed_by = nameOf(event);
}

const CLOSING: ReadonlySet<number> = new Set([
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
]);

/** The event's number, counted from 1. */
export const idOf = ({ eventId }: HistoryEvent): number => Number(eventId);

/** The event's type as Temporal writes it: `ActivityTaskScheduled`. */
export function nameOf({ eventType }: HistoryEvent): string {
  const words = (EventType[Number(eventType)] ?? 'EVENT_TYPE_UNKNOWN').slice('EVENT_TYPE_'.length).split('_');
  return words.map((word) => word.slice(0, 1) + word.slice(1).toLowerCase()).join('');
}

/** The event's type with what it is about: `ActivityTaskScheduled(simulate)`. */
export function describeEvent(event: HistoryEvent): string {
  const about =
    event.activityTaskScheduledEventAttributes?.activityType?.name ??
    event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowType?.name ??
    event.workflowExecutionContinuedAsNewEventAttributes?.workflowType?.name ??
    event.markerRecordedEventAttributes?.markerName ??
    event.timerStartedEventAttributes?.timerId;
  return about ? `${nameOf(event)}(${about})` : nameOf(event);
}

/** The completed task whose commands made this event; undefined for what came from outside. */
export function causeOf(event: HistoryEvent): number | undefined {
  const entry = Object.entries(event).find(([key, value]) => key.endsWith('EventAttributes') && value);
  const id = (entry?.[1] as { workflowTaskCompletedEventId?: unknown } | undefined)?.workflowTaskCompletedEventId;
  return id === undefined || id === null ? undefined : Number(id);
}
