import { ApplicationFailure, defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { expect, test } from 'vitest';
import { toActivityFailure } from '../../../src/activities/failure.ts';
import { AppError } from '../../../src/errors.ts';

/** The server makes a larger failure final and drops what it says. */
const FAILURE_BYTES_MAX = 64 * 1024;

test('an error of any size, with causes of any size, reaches Temporal as a small one that still says what it is', () => {
  const long = 'x'.repeat(5_000_000);
  let cause: Error = new Error(long);
  for (let depth = 0; depth < 50; depth += 1) cause = new Error(`${depth} ${long}`, { cause });
  const failure = toActivityFailure(new AppError('model_failed', `the endpoint says: ${long}`, { cause }), 1);
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure.message).toMatch(/^the endpoint says: x+… \(\d+ characters\)$/);
  const proto = defaultFailureConverter.errorToFailure(failure, defaultPayloadConverter);
  expect(temporal.api.failure.v1.Failure.encode(proto).finish().length).toBeLessThan(FAILURE_BYTES_MAX);
});
