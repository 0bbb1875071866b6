import { defaultPayloadConverter } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { z } from 'zod';
import { idOf } from './history-events.ts';
import type { HistoryEvent } from './history-events.ts';

/** One activity of an episode's run: the event that scheduled it, the step it recorded, and the graph's position. */
export type Correspondence = {
  event_id: number;
  activity: string;
  /** The step's number; null for what records none, such as the episode's beginning. */
  step: number | null;
  /** Thoughts are counted from 1: each is a superstep of the graph, and its calls belong to it. */
  superstep: number;
  /** The checkpoint that it went on from, and for a thought the one that it wrote. */
  checkpoint: string | null;
  next_checkpoint: string | null;
};

const Request = z.object({
  step: z.object({ seq: z.number().int() }),
  checkpoint_id: z.string().nullable().default(null),
});
const Answer = z.object({ checkpoint_id: z.string() });

/** Superstep ↔ checkpoint ↔ step ↔ event, for every activity of a run's history, in the order of events. */
export function correspondencesOf({ events }: History): Correspondence[] {
  const rows = new Map<number, Correspondence>();
  let superstep = 0;
  for (const event of events ?? []) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    const done = event.activityTaskCompletedEventAttributes;
    if (scheduled) {
      const activity = scheduled.activityType?.name ?? 'unknown';
      if (activity === 'advance') superstep += 1;
      const request = Request.safeParse(first(scheduled.input)).data;
      const step = request?.step.seq ?? null;
      const checkpoint = request?.checkpoint_id ?? null;
      rows.set(idOf(event), { event_id: idOf(event), activity, step, superstep, checkpoint, next_checkpoint: null });
    }
    const row = done && rows.get(Number(done.scheduledEventId));
    if (row?.activity === 'advance')
      row.next_checkpoint = Answer.safeParse(first(done?.result)).data?.checkpoint_id ?? null;
  }
  return [...rows.values()];
}

/** The row in a line. */
export function renderCorrespondence(row: Correspondence): string {
  const { event_id, activity, step, superstep, checkpoint, next_checkpoint } = row;
  const moved = next_checkpoint === null ? '' : ` → ${next_checkpoint}`;
  return [
    `event ${String(event_id).padStart(5)}`,
    `superstep ${String(superstep).padStart(4)}`,
    `step ${String(step ?? '–').padStart(5)}`,
    activity.padEnd(16),
    checkpoint === null && moved === '' ? '' : `checkpoint ${checkpoint ?? 'none'}${moved}`,
  ]
    .join('  ')
    .trimEnd();
}

type Payloads = NonNullable<HistoryEvent['activityTaskCompletedEventAttributes']>['result'];

/** The first value of an activity's input or result; undefined for what is not JSON, which is no request of ours. */
function first(payloads: Payloads): unknown {
  const [payload] = payloads?.payloads ?? [];
  try {
    return payload && defaultPayloadConverter.fromPayload(payload);
  } catch {
    return undefined;
  }
}
