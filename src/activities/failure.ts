import { ApplicationFailure, CancelledFailure, TemporalFailure } from '@temporalio/common';
import { AppError } from '../errors.ts';
import type { ErrorDetails } from '../errors.ts';

/** How often work is tried again after an error that waiting does not mend: a bug of ours, or a model that will not answer. */
const FEW_ATTEMPTS_MAX = 5;
/**
 * How much of an error's text goes to Temporal, and how many of its causes. Beyond 2 MiB in all the server makes a failure final
 * and drops what it says; beyond 4 MiB it never arrives, and the attempt ends by its heartbeat.
 */
const TEXT_CHARS_MAX = 4_000;
const CAUSES_MAX = 3;

/** The one mapper to Temporal: `type` is the error's code; what `attempts` tries did not mend is not tried again. */
export function toActivityFailure(error: AppError, attempts: number): ApplicationFailure | CancelledFailure {
  const message = cutText(error.message, TEXT_CHARS_MAX);
  if (error.code === 'cancelled') return new CancelledFailure(message);
  // Where the tries are on record, they are counted there; elsewhere by Temporal.
  const counted = error.details['origin'] === 'model_endpoint' ? 0 : attempts;
  const nonRetryable =
    error.details['final'] === true ||
    error.retry === 'never' ||
    (error.retry === 'a_few_times' && counted >= FEW_ATTEMPTS_MAX);
  const retryAfter = error.details['retry_after_s'];
  return ApplicationFailure.create({
    type: error.code,
    message,
    nonRetryable,
    // Whose fault it is decides how the episode ends.
    details: [boundedFacts(error.details)],
    ...(typeof retryAfter === 'number' && { nextRetryDelay: retryAfter * 1000 }),
    ...(error.cause instanceof Error && { cause: boundedCause(error.cause, CAUSES_MAX) }),
  });
}

/** Any error of an activity as Temporal's; what already is one stays as it is. */
export function asActivityFailure(thrown: unknown, attempts: number): Error {
  return thrown instanceof TemporalFailure ? thrown : toActivityFailure(AppError.from(thrown), attempts);
}

/** The text, cut where it is longer, which then says how long it was. */
export function cutText(text: string, chars_max: number): string {
  if (text.length <= chars_max) return text;
  const said = `… (${text.length} characters)`;
  return `${text.slice(0, chars_max - said.length).toWellFormed()}${said}`;
}

/** What caused an error, with its own causes, as small as the error itself. */
function boundedCause({ name, message, stack, cause }: Error, causes_max: number): Error {
  const inner = cause instanceof Error && causes_max > 1 ? { cause: boundedCause(cause, causes_max - 1) } : undefined;
  const small = new Error(cutText(message, TEXT_CHARS_MAX), inner);
  small.name = name;
  small.stack = cutText(stack ?? '', TEXT_CHARS_MAX);
  return small;
}

/** Facts about an error, each as small as its text. */
const boundedFacts = (facts: ErrorDetails): ErrorDetails =>
  Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [
      name,
      typeof fact === 'string' ? cutText(fact, TEXT_CHARS_MAX) : fact,
    ]),
  );
