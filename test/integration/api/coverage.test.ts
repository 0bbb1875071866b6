// What the API tells of audits and feedback, and where Langfuse shows what it answers.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertCoverage } from '../../../src/db/write/coverage.ts';
import { createTestApi, READER, seedEpisode, seedStep } from './test-api.ts';
import type { TestApi } from './test-api.ts';

let api: TestApi;
let id: string;
let trace_id: string;
beforeAll(async () => {
  api = await createTestApi();
  const episode = await seedEpisode(api);
  ({ id, trace_id } = episode);
  await seedStep(api, episode, { seq: 1 });
});
afterAll(() => api?.[Symbol.asyncDispose]());

test('an episode that was not audited yet has no coverage, then the newest audit is the answer', async () => {
  const nothing = await api.call(`/v1/episodes/${id}/coverage`);
  expect(nothing.status).toBe(409);
  const asked = { asked: true, items: 1, reason: null };
  const witnesses = { history: asked, steps: asked, langfuse: asked, objects: asked };
  const counts = { expected: 2, confirmed: 2, missing: 0, doubled: 0, orphaned: 0, wrongly_typed: 0, damaged: 0 };
  const kept = { episode_id: id, witnesses, findings: [], finding_count: 0, counts };
  await insertCoverage(api.db, { ...kept, verdict: 'unverified' });
  await insertCoverage(api.db, { ...kept, verdict: 'complete' });
  expect(await api.get(`/v1/episodes/${id}/coverage`)).toMatchObject({ verdict: 'complete', witnesses });
});

test('what ended since a time is listed with its newest audit, and one that has none says so', async () => {
  const ended = await seedEpisode(api);
  const at = '2026-01-02T03:04:05.000Z';
  await api.database.client.pool.query(
    `update episodes set status = 'completed', ended_at = $2 where id = any($1::uuid[])`,
    [[id, ended.id], at],
  );
  const { items } = await api.get('/v1/coverage?since=2026-01-02T00:00:00Z');
  expect(items).toMatchObject([
    { episode_id: ended.id, verdict: null, counts: null },
    { episode_id: id, verdict: 'complete', counts: { expected: 2, confirmed: 2 } },
  ]);
  expect(await api.get('/v1/coverage?since=2026-01-03T00:00:00Z')).toEqual({ items: [], next_cursor: null });
  const { items: first, next_cursor } = await api.get('/v1/coverage?since=2026-01-02T00:00:00Z&limit=1');
  const rest = await api.get(`/v1/coverage?since=2026-01-02T00:00:00Z&cursor=${next_cursor}`);
  expect([...first, ...rest.items]).toEqual(items);
});

test('an audit is asked for by operators, with or without repair', async () => {
  const asked = await api.post(`/v1/episodes/${id}/coverage`, { repair: true });
  expect(asked.status).toBe(202);
  expect(api.said.at(-1)).toEqual({ what: 'audit', episode_id: id, repair: true });
  await api.post(`/v1/episodes/${id}/coverage`, {});
  expect(api.said.at(-1)).toMatchObject({ repair: false });
  const reader = await api.call(`/v1/episodes/${id}/coverage`, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
    key: READER,
  });
  expect(reader.status).toBe(403);
});

test('every episode and step says where Langfuse shows it', async () => {
  const episode = await api.get(`/v1/episodes/${id}`);
  expect(episode.links).toMatchObject({ langfuse: `http://langfuse.test/project/p1/traces/${trace_id}` });
  const step = await api.get(`/v1/episodes/${id}/steps/1`);
  expect(step.trace_url).toBe(`http://langfuse.test/project/p1/traces/${trace_id}?observation=${step.span_id}`);
  const { items } = await api.get(`/v1/episodes/${id}/steps`);
  expect(items[0]).toMatchObject({ trace_url: step.trace_url });
});

test('feedback is added once under one key, refused when the key is used for other words, and listed', async () => {
  const say = (value: boolean) =>
    api.post(
      `/v1/episodes/${id}/feedback`,
      { data_type: 'BOOLEAN', name: 'useful', value, seq: 1 },
      { 'idempotency-key': 'one' },
    );
  const first = await say(true);
  expect(first.status).toBe(201);
  const said: unknown = await first.json();
  expect(await (await say(true)).json()).toEqual(said);
  expect((await say(false)).status).toBe(409);
  expect(await api.get(`/v1/episodes/${id}/feedback`)).toEqual({ items: [said] });
  const unknown = { data_type: 'NUMERIC', name: 'useful', value: 1, seq: 77 };
  expect((await api.post(`/v1/episodes/${id}/feedback`, unknown)).status).toBe(404);
});
