import { Context } from '@temporalio/activity';
import type { JsonObject } from '../schemas/primitives.ts';
import { AppError } from '../errors.ts';
import { asActivityFailure } from './failure.ts';

/** How often an activity says that it is alive, and so learns of a cancel. The worker throttles further. */
const HEARTBEAT_INTERVAL_MS = 500;

/** Details of a heartbeat are a few figures. Beyond 2 MiB the server would fail the attempt for them. */
const DETAILS_CHARS_MAX = 64 * 1024;
/** What an activity answers is ids and counts. Beyond 2 MiB the server would fail every attempt for it, and try for ever. */
const RESULT_BYTES_MAX = 1024 * 1024;

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
    const tick = () => context.heartbeat(boundedDetails(typeof details === 'function' ? details() : details));
    const beat = setInterval(tick, HEARTBEAT_INTERVAL_MS);
    try {
      return requireSmall(await work(...args), context.info.activityType);
    } catch (error) {
      throw asActivityFailure(error, context.info.attempt);
    } finally {
      clearInterval(beat);
    }
  };
}

function boundedDetails(details: JsonObject | undefined): JsonObject | undefined {
  const chars = details === undefined ? 0 : JSON.stringify(details).length;
  return chars <= DETAILS_CHARS_MAX ? details : { left_out: `${chars} characters of details` };
}

/** The result, where it is small enough to arrive. Throws out_of_range, which is not tried again: the next try would answer the same. */
function requireSmall<Result>(result: Result, activity: string): Result {
  const bytes = result === undefined ? 0 : Buffer.byteLength(JSON.stringify(result) ?? '');
  if (bytes <= RESULT_BYTES_MAX) return result;
  throw new AppError(
    'out_of_range',
    `what ${activity} answers is ${bytes} bytes, of which ${RESULT_BYTES_MAX} may cross to the workflow`,
  );
}
