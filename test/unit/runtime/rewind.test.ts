import { defaultPayloadConverter } from '@temporalio/common';
import { expect, test } from 'vitest';
import { resetPointOf } from '../../../src/runtime/temporal/rewind.ts';

type Events = Parameters<typeof resetPointOf>[0];

/** A history written as words: `task` (a workflow task completed), `+7` (step 7's activity scheduled), `-7` (it completed). */
function history(words: string): Events {
  const scheduled = new Map<number, number>();
  return words.split(' ').map((word, index) => {
    const eventId = index + 1;
    const seq = Math.abs(Number(word));
    if (word === 'task') return { eventId, workflowTaskCompletedEventAttributes: {} };
    if (word.startsWith('-'))
      return { eventId, activityTaskCompletedEventAttributes: { scheduledEventId: scheduled.get(seq) } };
    scheduled.set(seq, eventId);
    const payloads = [defaultPayloadConverter.toPayload({ step: { run_id: 'r', seq } })];
    return { eventId, activityTaskScheduledEventAttributes: { input: { payloads } } };
  }) as unknown as Events;
}

// Step 1 thinks, 2 and 3 run side by side, 4 alone.
const HISTORY = history('task +1 -1 task +2 +3 -3 -2 task +4 -4 task');

test('a run is reset to the task that followed all up to a step, before anything later began', () => {
  expect([0, 1, 3, 4].map((seq) => resetPointOf(HISTORY, seq))).toEqual([1, 4, 9, 12]);
});

test('between calls that ran side by side is no such task, nor where the run stands now', () => {
  expect(resetPointOf(HISTORY, 2)).toBeUndefined();
  expect(resetPointOf(history('task +1 -1'), 1)).toBeUndefined();
});
