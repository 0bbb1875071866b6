import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, OPERATOR, seedEpisode, seedStep } from './test-api.ts';
import type { Loose, TestApi } from './test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

test('what waits in the outbox, who worked and whose keys there are is told with its rows, and no key is', async () => {
  const episode = await seedEpisode(api);
  await seedStep(api, episode, { seq: 1 });
  const found = await api.get('/v1/operations');
  const { pending, sending, accepted, parked, waiting } = found.outbox;
  expect(waiting).toHaveLength(pending + sending + accepted + parked);
  expect(waiting).toContainEqual(expect.objectContaining({ episode_id: episode.id, seq: 1, state: 'pending' }));
  expect(found.outbox.oldest_unconfirmed_at).toBe(waiting[0].created_at);
  expect(found.workers).toEqual([expect.objectContaining({ worker: 'worker-1', build: 'build-1', attempts: 1 })]);
  expect(found.keys.map(({ name, role }: Loose) => [name, role])).toEqual([
    ['reader', 'reader'],
    ['operator', 'operator'],
  ]);
  expect(JSON.stringify(found)).not.toContain(OPERATOR);
  expect(found.drills).toEqual([]);
});
