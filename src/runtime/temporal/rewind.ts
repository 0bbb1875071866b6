import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { AppError } from '../../errors.ts';
import type { Episode } from '../../schemas/episode.ts';
import { stepAskedFor } from './history.ts';
import type { HistoryEvents } from './history.ts';

/** What a run received after the place is not brought along: a cancel would end it again, an answer has its question no more. */
const LEFT_BEHIND = { signals: 1, updates: 2, cancels: 4 } as const;

/** Where an episode is to go back to: after this step, which this run recorded. `request_id`: asking twice is asking once. */
export type Rewinding = { seq: number; run_id: string; request_id: string };

/**
 * Has Temporal reset the episode's workflow to the task that followed a step: a new run replays what was before it and does
 * the rest anew. Throws failed_precondition, naming the nearest places, where no task is between this step and the next,
 * and where Temporal no longer has the run.
 */
export async function rewindEpisode(client: Client, episode: Episode, rewinding: Rewinding): Promise<void> {
  const { seq, run_id, request_id } = rewinding;
  const { events } = await client.workflow
    .getHandle(episode.workflow_id, run_id)
    .fetchHistory()
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      const message = `Temporal no longer has the run that recorded step ${seq}: fork the episode there instead.`;
      throw new AppError('failed_precondition', message, { cause: error });
    });
  const task = resetPointOf(events ?? [], seq);
  if (task === undefined) throw new AppError('failed_precondition', refusalOf(events ?? [], seq));
  await client.workflowService.resetWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId: episode.workflow_id, runId: run_id },
    workflowTaskFinishEventId: task,
    reason: `rewound to step ${seq}`,
    requestId: request_id,
    resetReapplyExcludeTypes: Object.values(LEFT_BEHIND),
  });
}

type EventId = HistoryEvents[number]['eventId'];

/** The workflow task that came after all up to this step had ended and before anything later began; undefined where none did. */
export function resetPointOf(events: HistoryEvents, seq: number): EventId | undefined {
  const asked = new Map<string, number>();
  let ended = 0;
  for (const event of events) {
    const step = event.activityTaskScheduledEventAttributes && stepAskedFor(event.activityTaskScheduledEventAttributes);
    if (step) asked.set(String(event.eventId), step.seq);
    const done = event.activityTaskCompletedEventAttributes;
    const of = done ? asked.get(String(done.scheduledEventId)) : undefined;
    if (of !== undefined && of <= seq) ended = Number(event.eventId);
  }
  const task = events.find((event) => Number(event.eventId) > ended && event.workflowTaskCompletedEventAttributes);
  if (!task) return undefined;
  const early = [...asked].some(([id, later]) => later > seq && Number(id) < Number(task.eventId));
  return early ? undefined : task.eventId;
}

function refusalOf(events: HistoryEvents, seq: number): string {
  const steps = events.flatMap(
    ({ activityTaskScheduledEventAttributes: asked }) => (asked && stepAskedFor(asked)) ?? [],
  );
  const places = [...new Set(steps.map((step) => step.seq))]
    .filter((place) => resetPointOf(events, place) !== undefined)
    .toSorted((a, b) => a - b);
  const nearest = [places.findLast((place) => place < seq), places.find((place) => place > seq)];
  const named = nearest.flatMap((place) => place ?? []).join(' and ') || 'none';
  return (
    `The episode cannot go back to step ${seq}: it is there now, or later calls ran beside it. ` +
    `The nearest in this run: ${named}. A fork can go on after any step.`
  );
}
