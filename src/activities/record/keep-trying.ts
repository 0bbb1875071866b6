import { setTimeout as wait } from 'node:timers/promises';
import { AppError } from '../../errors.ts';

/** A database that is away for this long does not cost the work that was done: asking a model again would. */
const TRIES_MAX = 60;
const INTERVAL_MS = 1_000;

/** Does something idempotent again while its store is `unavailable`, for a minute; throws its last error then, any other at once. */
export async function keepTrying<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (AppError.from(error).code !== 'unavailable' || tries >= TRIES_MAX || signal?.aborted) throw error;
      await wait(INTERVAL_MS);
    }
  }
}
