import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import { bodyOf } from './client.ts';
import type { Client, EpisodeAnswer, LogLineAnswer, LogsPage, StepAnswer } from './client.ts';
import { hasEnded, OUTAGE_MS_MAX, PAGE_LIMIT, POLL_MS, readSteps } from './follow.ts';

/** Something that happened in an episode, at its place in the episode's stream. */
export type TailEvent =
  | { type: 'step_started' | 'step_ended'; stream_seq: number; step: StepAnswer }
  | ({ type: 'log' } & LogLineAnswer);

/**
 * Steps and log lines in the order in which they were recorded, until the episode ends, which is returned. An API that is
 * away is waited for, a minute at most. Throws the signal's reason when that is aborted.
 */
export async function* tailEpisode(
  client: Client,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<TailEvent, EpisodeAnswer> {
  const readLines = openLog(client, id);
  let told = 0;
  let place: { run_id: string | null; cursor: string | undefined } = { run_id: null, cursor: undefined };
  let reached = Date.now();
  for (;;) {
    signal.throwIfAborted();
    try {
      const episode = await bodyOf(client.v1.episodes[':id'].$get({ param: { id } }));
      // The stream's numbers are given under the episode's lock: up to this one everything is committed, later is for later.
      const until = episode.last_stream_seq;
      if (until > told) {
        // A new run takes steps over that were read already.
        const cursor = place.run_id === episode.run_id ? place.cursor : undefined;
        const isOpen = (step: StepAnswer) => step.ended_stream_seq === null || step.ended_stream_seq > until;
        const { steps, resume } = await readSteps(client, id, { cursor, isOpen });
        for await (const event of inOrder(eventsOf(steps, told, until), readLines(until))) {
          yield event;
          told = event.stream_seq;
        }
        told = until;
        place = { run_id: episode.run_id, cursor: resume };
      }
      if (hasEnded(episode)) return episode;
      reached = Date.now();
    } catch (error) {
      if (AppError.from(error).retry !== 'patiently' || Date.now() - reached > OUTAGE_MS_MAX) throw error;
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

function eventsOf(steps: StepAnswer[], after: number, until: number): TailEvent[] {
  const events = steps.flatMap((step): TailEvent[] => [
    { type: 'step_started', stream_seq: step.started_stream_seq, step },
    ...(step.ended_stream_seq === null
      ? []
      : [{ type: 'step_ended' as const, stream_seq: step.ended_stream_seq, step }]),
  ]);
  return events
    .filter(({ stream_seq }) => stream_seq > after && stream_seq <= until)
    .toSorted((one, other) => one.stream_seq - other.stream_seq);
}

async function* inOrder(events: TailEvent[], lines: AsyncIterable<LogLineAnswer>): AsyncGenerator<TailEvent> {
  let next = 0;
  for await (const line of lines) {
    for (let event = events[next]; event && event.stream_seq < line.stream_seq; event = events[++next]) yield event;
    yield { type: 'log', ...line };
  }
  yield* events.slice(next);
}

/** Reads log lines once each, whatever fails in between; of a page, what lies beyond the asked place is kept. */
function openLog(client: Client, id: string) {
  let cursor: string | null | undefined;
  let kept: LogLineAnswer[] = [];
  return async function* readUntil(until: number): AsyncGenerator<LogLineAnswer> {
    for (;;) {
      for (let [line] = kept; line && line.stream_seq <= until; [line] = kept) {
        yield line;
        kept.shift();
      }
      if (kept.length > 0 || cursor === null) return;
      const query = { limit: PAGE_LIMIT, ...(cursor !== undefined && { cursor }) };
      const page: LogsPage = await bodyOf(client.v1.episodes[':id'].logs.$get({ param: { id }, query }));
      kept = page.items;
      cursor = page.next_cursor;
      if (kept.length === 0) return;
    }
  };
}
