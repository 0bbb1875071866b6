import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, READER, seedEpisode, seedStep } from './test-api.ts';
import type { Loose, TestApi } from './test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

test('two episodes are held against each other: facts, steps side by side, and the first that differs', async () => {
  const [a, b] = [await seedEpisode(api, {}), await seedEpisode(api, { seed: 7 })];
  for (const episode of [a, b]) await seedStep(api, episode, { seq: 1 });
  await seedStep(api, b, { seq: 2 });
  const found = await api.get(`/v1/comparisons?a=${a.id}&b=${b.id}`);
  expect(found).toMatchObject({ a: a.id, b: b.id, files: [] });
  expect(found.facts).toContainEqual({ member: 'seed', a: 0, b: 7 });
  expect(found.steps.map((pair: Loose) => [pair.a?.seq ?? null, pair.b?.seq ?? null])).toEqual([
    [1, 1],
    [null, 2],
  ]);
  expect(found.first).toBe(1);

  const same = await api.get(`/v1/comparisons?a=${a.id}&b=${a.id}`);
  expect(same).toMatchObject({ facts: [], first: null, files: [] });
});

test('an episode that is not there is compared with nothing', async () => {
  const a = await seedEpisode(api, {});
  const answer = await api.call(`/v1/comparisons?a=${a.id}&b=${randomUUID()}`, { key: READER });
  expect(answer.status).toBe(404);
  expect((await api.call(`/v1/comparisons?a=${a.id}`)).status).toBe(400);
});
