import type { StreamFrame } from '../api/routes/stream.ts';
import { AppError } from '../errors.ts';
import { errorOf } from './client.ts';
import type { Client } from './client.ts';

/** An API that restarts is waited for; one that stays away is not. */
const OUTAGE_MS_MAX = 60_000;
/** Between tries to reach it. */
const RETRY_MS = 500;
/** Three heartbeats of the API: a connection that is silent for longer is dead. */
const SILENCE_MS_MAX = 45_000;

/**
 * An episode's frames, each once, in the order of the stream, until it has ended: all, or those after a place in it. The API may restart meanwhile, or another
 * process of it go on: it is waited for a minute at most. Throws the signal's reason when that is aborted.
 */
export async function* followStream(
  client: Client,
  id: string,
  { signal, after }: { signal: AbortSignal; after?: string },
): AsyncGenerator<StreamFrame> {
  let last = after;
  let reached = Date.now();
  for (;;) {
    signal.throwIfAborted();
    const silence = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onBytes = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
      reached = Date.now();
    };
    try {
      const init = { signal: AbortSignal.any([signal, silence.signal]) };
      const header = last === undefined ? {} : { 'last-event-id': last };
      const answer = await client.v1.episodes[':id'].stream.$get({ param: { id }, header }, { init });
      if (answer.status === 204) return;
      if (!answer.ok || !answer.body) throw await errorOf(answer);
      onBytes();
      for await (const event of readEvents(answer.body as ReadableStream<Uint8Array>, onBytes)) {
        last = event.id ?? last;
        if (event.data !== undefined) yield JSON.parse(event.data) as StreamFrame;
      }
      continue; // The API closes a stream when it is over, which it says with 204, or to be asked again.
    } catch (error) {
      signal.throwIfAborted();
      const known = AppError.from(error);
      const broken = known.retry === 'patiently' || !(error instanceof AppError);
      if (!broken || Date.now() - reached > OUTAGE_MS_MAX) throw error;
    } finally {
      clearTimeout(timer);
    }
    await later(RETRY_MS, signal);
  }
}

/** Resolves after `ms` milliseconds, or as soon as the signal aborts. */
function later(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

/** The events of a `text/event-stream` (WHATWG HTML §9.2.6), as far as ours uses it: lines end in LF, data has one. */
async function* readEvents(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<{ id?: string; data?: string }> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    onBytes();
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = block.split('\n').map((line): [string, string] => {
        const colon = line.indexOf(': ');
        return [line.slice(0, colon), line.slice(colon + 2)];
      });
      yield Object.fromEntries(fields);
    }
  }
}
