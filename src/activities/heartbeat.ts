import { Context } from '@temporalio/activity';
import { asActivityFailure } from './failure.ts';

/** How often an activity says that it is alive, and so hears of a cancel. The worker throttles further. */
const HEARTBEAT_INTERVAL_MS = 500;

/** An activity that heartbeats for as long as it works, with the newest details, and whose errors leave as Temporal's. */
export function heartbeating<Args extends unknown[], Result>(
  work: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    const context = Context.current();
    const beat = setInterval(() => context.heartbeat(), HEARTBEAT_INTERVAL_MS);
    try {
      return await work(...args);
    } catch (error) {
      throw asActivityFailure(error, context.info.attempt);
    } finally {
      clearInterval(beat);
    }
  };
}
