import { setTimeout as delay } from 'node:timers/promises';
import { findStreamHead, listStream } from '../db/read/stream.ts';
import type { StreamEntry } from '../db/read/stream.ts';
import { hasEnded } from '../schemas/episode.ts';
import { toStreamId } from '../schemas/stream.ts';
import type { StreamPlace } from '../schemas/stream.ts';
import type { Words } from '../schemas/words.ts';
import type { ApiDeps } from './deps.ts';
import { toEvent, toStep } from './links.ts';

/** Frames read at once, and so the most that one client's stream holds in memory. */
const FRAMES_READ_MAX = 100;
/** How long a stream stays silent before it looks for itself and says that it lives. */
const HEARTBEAT_MS = 15_000;
/** What running thoughts say waits in this many pieces for a client that reads slowly: the newest are kept. */
const WORDS_MAX = 64;
/** How long clients wait before they come back, in milliseconds. */
const RETRY_MS = 1_000;

/** What a stream needs. */
export type StreamDeps = Pick<ApiDeps, 'db' | 'store' | 'links' | 'namespace' | 'watchEpisode' | 'stream_heartbeat_ms'>;

/**
 * An episode's stream after a place in it, as text of `text/event-stream`, read as it is asked for: until the episode has
 * ended and everything was sent, the database was restored, or the signal says so. Nothing is skipped and nothing sent
 * twice: numbers are given out under the episode's lock, so that all up to its last one are committed. What running thoughts say
 * is sent between, as far as it is heard, and never after the end of its step.
 */
export async function* streamFrames(
  deps: StreamDeps,
  { episode_id, from, signal }: { episode_id: string; from: StreamPlace; signal: AbortSignal },
): AsyncGenerator<string, void> {
  const { db, stream_heartbeat_ms = HEARTBEAT_MS } = deps;
  const alarm = createAlarm();
  const words: Words[] = [];
  const over = new Set<string>();
  const unwatch = deps.watchEpisode(episode_id, alarm.ring, (heard) => {
    if (words.push(heard) > WORDS_MAX) words.shift();
    alarm.ring();
  });
  try {
    let sent = from.stream_seq;
    const here = () => toStreamId({ epoch: from.epoch, stream_seq: Math.max(0, sent) });
    yield `retry: ${RETRY_MS}\n\n`;
    // Once at least, so that a client gets on however soon it must come back.
    do {
      alarm.reset(); // Before reading: what is committed from now on rings.
      const heard = words.splice(0); // Their steps began before: that they did is told first.
      const head = await findStreamHead(db, episode_id);
      if (!head || head.restore_epoch !== from.epoch) return;
      const until = head.last_stream_seq;
      while (sent < until) {
        const entries = await listStream(db, { episode_id, after: sent, until, limit: FRAMES_READ_MAX });
        if (entries.length > 0) yield toFrames(deps, entries, from.epoch);
        for (const entry of entries) if (entry.type === 'step_ended') over.add(entry.step.id);
        sent = entries.length < FRAMES_READ_MAX ? until : (entries.at(-1)?.stream_seq ?? until);
        if (signal.aborted) return;
      }
      const live = heard.filter(({ step_id }) => !over.has(step_id));
      if (live.length > 0) yield live.map((one) => toWordsFrame(one, Math.max(0, sent))).join('');
      // An id without data moves a client's place over numbers that nothing became of.
      if (hasEnded(head.status)) {
        yield `id: ${here()}\n\n`;
        return;
      }
      if (!(await alarm.rings(stream_heartbeat_ms, signal)) && !signal.aborted) yield `: heartbeat\nid: ${here()}\n\n`;
    } while (!signal.aborted);
  } finally {
    unwatch();
  }
}

function toFrames(deps: StreamDeps, entries: StreamEntry[], epoch: number): string {
  const frames = entries.map((entry) => {
    const data =
      entry.type === 'step_ended'
        ? { ...entry, step: toStep(entry.step, deps) }
        : entry.type === 'event'
          ? { ...entry, event: toEvent(entry.event) }
          : entry;
    const id = toStreamId({ epoch, stream_seq: entry.stream_seq });
    return `id: ${id}\nevent: ${entry.type}\ndata: ${JSON.stringify(data)}\n\n`;
  });
  return frames.join('');
}

/** Without an id: it moves nobody's place, and whoever comes back does not hear it again. */
const toWordsFrame = (words: Words, stream_seq: number) =>
  `event: words\ndata: ${JSON.stringify({ type: 'words', stream_seq, ...words })}\n\n`;

/** Something that rings, also while nobody waits. */
function createAlarm() {
  let rung = false;
  let wake = () => {};
  return {
    ring: () => {
      rung = true;
      wake();
    },
    reset: () => {
      rung = false;
    },
    /** Resolves with true when it rings or has rung, with false when time is up or the signal says so. */
    async rings(ms: number, signal: AbortSignal): Promise<boolean> {
      if (rung) return true;
      const settled = new AbortController();
      const until = AbortSignal.any([signal, settled.signal]);
      await Promise.race([
        new Promise<void>((resolve) => {
          wake = resolve;
        }),
        delay(ms, undefined, { signal: until }).catch(() => {}),
      ]);
      settled.abort();
      return rung;
    },
  };
}

/** The generator as a response's body: it runs only as fast as the client reads. `onCancel` is called when the client leaves. */
export function toBody(frames: AsyncGenerator<string, void>, onCancel: () => void): ReadableStream {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await frames.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      async cancel() {
        onCancel();
        await frames.return();
      },
    },
    { highWaterMark: 0 },
  );
}
