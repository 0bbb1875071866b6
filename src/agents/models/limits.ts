import { setTimeout as wait } from 'node:timers/promises';
import { AppError } from '../../errors.ts';
import type { Endpoint } from '../../schemas/model.ts';

const MINUTE_MS = 60_000;

/** How an endpoint stands in this process: requests that are open, who waits for one to end, and when the next may begin. */
type Standing = { open: number; waiting: Set<() => void>; next_ms: number };

/** Runs work against an endpoint when its limits allow; what waits stops with `cancelled` when its signal fires. */
export type Limiter = <T>(endpoint: Endpoint, signal: AbortSignal, work: () => Promise<T>) => Promise<T>;

/** Keeps each endpoint's requests of this process within its `concurrency` and `requests_per_minute`. */
export function createLimiter(): Limiter {
  const standings = new Map<string, Standing>();
  return async ({ endpoint, concurrency = Infinity, requests_per_minute }, signal, work) => {
    const standing = standings.get(endpoint) ?? { open: 0, waiting: new Set(), next_ms: 0 };
    standings.set(endpoint, standing);
    while (standing.open >= concurrency) await someEnd(standing, signal);
    standing.open += 1;
    try {
      const now_ms = performance.now();
      const begin_ms = Math.max(now_ms, standing.next_ms);
      if (requests_per_minute !== undefined) standing.next_ms = begin_ms + MINUTE_MS / requests_per_minute;
      if (begin_ms > now_ms)
        await wait(begin_ms - now_ms, undefined, { signal }).catch(() => {
          throw stopped();
        });
      return await work();
    } finally {
      standing.open -= 1;
      const [next] = standing.waiting;
      next?.();
    }
  };
}

/** Resolves when a request of the endpoint has ended. */
function someEnd({ waiting }: Standing, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (how: () => void) => {
      waiting.delete(ended);
      signal.removeEventListener('abort', left);
      how();
    };
    const ended = () => settle(resolve);
    const left = () => settle(() => reject(stopped()));
    if (signal.aborted) return left();
    waiting.add(ended);
    signal.addEventListener('abort', left);
  });
}

const stopped = () => new AppError('cancelled', 'the model was told to stop');
