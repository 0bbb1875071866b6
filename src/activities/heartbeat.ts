import { Context } from '@temporalio/activity';
import type { JsonObject } from '../schemas/primitives.ts';
import { asActivityFailure } from './failure.ts';

/** How often an activity says that it is alive, and so hears of a cancel. The worker throttles further. */
const HEARTBEAT_INTERVAL_MS = 500;

/** An activity that heartbeats for as long as it works, and whose errors leave as Temporal's. */
export function heartbeating<Args extends unknown[], Result>(
  work: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return heartbeatingWith(() => work);
}

/** What a heartbeat carries: details, or what gives them at each beat. */
type Details = JsonObject | (() => JsonObject);

/** The same for an activity that reports how far it is: every heartbeat carries what `report` was last given. */
export function heartbeatingWith<Args extends unknown[], Result>(
  makeWork: (report: (details: Details) => void) => (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    const context = Context.current();
    let details: Details | undefined;
    const work = makeWork((newest) => {
      details = newest;
    });
    const tick = () => context.heartbeat(typeof details === 'function' ? details() : details);
    const beat = setInterval(tick, HEARTBEAT_INTERVAL_MS);
    try {
      return await work(...args);
    } catch (error) {
      throw asActivityFailure(error, context.info.attempt);
    } finally {
      clearInterval(beat);
    }
  };
}
