import { AppError } from '../../errors.ts';
import type { ErrorDetails } from '../../errors.ts';

/** Timers hold 31 bits; whoever has longer than this has as good as for ever. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** How errors say, in their details, that it is the episode's budget of time that is used up. */
export const OUT_OF_TIME = { final: true, budget: 'wall_s' } as const satisfies ErrorDetails;

/**
 * Does work that has `left_ms` of its episode's wall time left (undefined: as long as it likes): its signal fires then, and
 * `deadline_exceeded` says why. An error that waits for somebody carries `left_ms`, how much is left for that.
 */
export async function withinWallTime<T>(
  { left_ms, signal }: { left_ms: number | undefined; signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (left_ms === undefined) return work(signal);
  if (left_ms <= 0) throw outOfTime({});
  const began_ms = performance.now();
  const late = AbortSignal.timeout(Math.min(Math.ceil(left_ms), TIMER_MS_MAX));
  try {
    return await work(AbortSignal.any([signal, late]));
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (late.aborted && !signal.aborted) throw outOfTime(error.details);
    const details = { ...error.details, left_ms: left_ms - (performance.now() - began_ms) };
    throw new AppError(error.code, error.message, {
      details,
      ...(error.cause !== undefined && { cause: error.cause }),
    });
  }
}

const outOfTime = (details: ErrorDetails) =>
  new AppError('deadline_exceeded', "the episode's budgets.wall_s was used up while its model was asked", {
    details: { ...details, ...OUT_OF_TIME },
  });
