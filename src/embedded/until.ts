import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../errors.ts';

/** Short beside a server's start, long beside one attempt. */
const INTERVAL_MS = 50;

/**
 * What `attempt` first returns other than undefined. An attempt that throws is made again until `duration_ms_max` has
 * passed (then `deadline_exceeded` with the last error as its cause), unless the error is fatal, which `giveUp` says.
 */
export async function until<T>(options: {
  what: string;
  duration_ms_max: number;
  attempt: () => Promise<T | undefined> | T | undefined;
  giveUp?: (error: unknown) => boolean;
}): Promise<T> {
  const deadline = performance.now() + options.duration_ms_max;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const result = await options.attempt();
      if (result !== undefined) return result;
    } catch (error) {
      if (options.giveUp?.(error)) throw error;
      last = error;
    }
    await delay(INTERVAL_MS);
  }
  const seconds = Math.round(options.duration_ms_max / 1000);
  const why = last === undefined ? '' : ` (${AppError.from(last).message})`;
  throw new AppError('deadline_exceeded', `${options.what} did not happen within ${seconds} s${why}.`, { cause: last });
}
