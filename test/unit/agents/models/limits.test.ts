import { expect, test } from 'vitest';
import { createLimiter } from '../../../../src/agents/models/limits.ts';
import { endpointModel } from '../../../support/endpoint-model.ts';

const never = new AbortController().signal;
const at = (changes: object) => endpointModel('http://127.0.0.1:1/v1', changes);

test('no more requests are open at an endpoint than it allows, and each gets its turn', async () => {
  const limit = createLimiter();
  let open = 0;
  let most = 0;
  const ask = (index: number) =>
    limit(at({ concurrency: 2 }), never, async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise(setImmediate);
      open -= 1;
      return index;
    });
  expect(await Promise.all([0, 1, 2, 3, 4].map(ask))).toEqual([0, 1, 2, 3, 4]);
  expect(most).toBe(2);
});

test('requests begin no faster than the rate allows', async () => {
  const limit = createLimiter();
  const began = performance.now();
  for (let count = 0; count < 3; count += 1)
    await limit(at({ requests_per_minute: 1_200 }), never, () => Promise.resolve());
  expect(performance.now() - began).toBeGreaterThanOrEqual(95);
});

test('what waits for its turn stops when it is told to, and the others go on', async () => {
  const limit = createLimiter();
  const endpoint = at({ concurrency: 1 });
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = limit(endpoint, never, () => promise);
  const stop = new AbortController();
  const second = limit(endpoint, stop.signal, () => Promise.resolve('second'));
  const third = limit(endpoint, never, () => Promise.resolve('third'));
  stop.abort();
  await expect(second).rejects.toMatchObject({ code: 'cancelled' });
  resolve();
  await first;
  expect(await third).toBe('third');
});
