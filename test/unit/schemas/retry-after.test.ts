import { expect, test } from 'vitest';
import { retryAfterMs } from '../../../src/schemas/retry-after.ts';

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

test.each<[Record<string, string>, number | undefined]>([
  [{ 'retry-after': '7' }, 7_000],
  [{ 'retry-after': ' 0.5 ' }, 500],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': new Date(NOW_MS + 30_000).toUTCString() }, 30_000],
  [{ 'retry-after': new Date(NOW_MS - 30_000).toUTCString() }, 0],
  [{ 'retry-after': '9', 'retry-after-ms': '250' }, 250],
  [{ 'retry-after': '9', 'retry-after-ms': 'soon' }, 9_000],
  [{ 'retry-after': '9', 'retry-after-ms': '0' }, 9_000],
  [{ 'retry-after': '' }, undefined],
  [{ 'retry-after': 'soon' }, undefined],
  [{}, undefined],
])('%j asks for %s ms', (headers, asked) => {
  expect(retryAfterMs(new Headers(headers), NOW_MS)).toBe(asked);
});
