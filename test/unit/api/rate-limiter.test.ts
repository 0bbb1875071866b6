import { expect, test } from 'vitest';
import { createRateLimiter } from '../../../src/api/rate-limiter.ts';

test('a caller may use ten seconds’ worth at once, then as much as refills', () => {
  let now = 0;
  const limiter = createRateLimiter(2, () => now);
  expect(Array.from({ length: 20 }, () => limiter.take('a'))).toEqual(Array.from({ length: 20 }, () => 0));
  expect(limiter.take('a')).toBe(1);
  expect(limiter.take('b')).toBe(0);
  now = 0.5;
  expect([limiter.take('a'), limiter.take('a')]).toEqual([0, 1]);
  now = 1_000;
  expect(Array.from({ length: 20 }, () => limiter.take('a')).every((wait) => wait === 0)).toBe(true);
  expect(limiter.take('a')).toBe(1);
});

test('zero is no limit', () => {
  const limiter = createRateLimiter(0);
  expect(Array.from({ length: 10_000 }, () => limiter.take('a')).some(Boolean)).toBe(false);
});
