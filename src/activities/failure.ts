import { ApplicationFailure, CancelledFailure, TemporalFailure } from '@temporalio/common';
import { AppError } from '../errors.ts';

/** How often work is tried again after an error that waiting does not mend: a bug of ours, or a model that will not answer. */
const FEW_ATTEMPTS_MAX = 5;

/** The one mapper to Temporal: `type` is the error's code; what `attempts` tries did not mend is not tried again. */
export function toActivityFailure(error: AppError, attempts: number): ApplicationFailure | CancelledFailure {
  if (error.code === 'cancelled') return new CancelledFailure(error.message);
  // Where the tries are on record, they are counted there; elsewhere by Temporal.
  const counted = error.details['origin'] === 'model_endpoint' ? 0 : attempts;
  const nonRetryable =
    error.details['final'] === true ||
    error.retry === 'never' ||
    (error.retry === 'a_few_times' && counted >= FEW_ATTEMPTS_MAX);
  const retryAfter = error.details['retry_after_s'];
  return ApplicationFailure.create({
    type: error.code,
    message: error.message,
    nonRetryable,
    // Whose fault it is decides how the episode ends.
    details: [error.details],
    ...(typeof retryAfter === 'number' && { nextRetryDelay: retryAfter * 1000 }),
    ...(error.cause instanceof Error && { cause: error.cause }),
  });
}

/** Any error of an activity as Temporal's; what already is one stays as it is. */
export function asActivityFailure(thrown: unknown, attempts: number): Error {
  return thrown instanceof TemporalFailure ? thrown : toActivityFailure(AppError.from(thrown), attempts);
}
