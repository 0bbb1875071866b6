import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase } from '../../../src/db/client.ts';
import { createTestApi, OPERATOR, sha256Of } from './test-api.ts';
import type { Loose, TestApi } from './test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

test.each([
  ['no key', undefined],
  ['another scheme', 'Basic abc'],
  ['no token', 'Bearer '],
  ['two tokens', 'Bearer a b'],
  ['a token that is not known', 'Bearer unknown-key'],
  ['a token without end', `Bearer ${'x'.repeat(5_000)}`],
])('%s is refused with the way to authenticate', async (_, authorization) => {
  const answer = await api.app.request('/v1/episodes', { headers: authorization ? { authorization } : {} });
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
});

test('a revoked key is refused', async () => {
  await using other = await createTestApi();
  await other.db
    .updateTable('api_keys')
    .set({ revoked_at: new Date().toISOString() })
    .where('key_sha256', '=', sha256Of(OPERATOR))
    .execute();
  expect((await other.call('/v1/episodes')).status).toBe(401);
});

test('health, readiness and the document are open', async () => {
  for (const path of ['/healthz', '/readyz', '/openapi.json'])
    expect((await api.call(path, { key: '' })).status).toBe(200);
});

test('readiness says which dependency is down', async () => {
  await using down = await createTestApi({
    ready: async () => ({ database: { state: 'ok' }, temporal: { state: 'down', detail: 'no answer' } }),
  });
  const answer = await down.call('/readyz', { key: '' });
  expect(answer.status).toBe(503);
  expect(await answer.json()).toEqual({
    ready: false,
    dependencies: { database: { state: 'ok' }, temporal: { state: 'down', detail: 'no answer' } },
  });
});

test('another method is refused with those that there are, another address is not found', async () => {
  const answer = await api.call('/v1/episodes', { method: 'DELETE' });
  expect(answer.status).toBe(405);
  expect(answer.headers.get('allow')).toBe('POST, GET, HEAD');
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const nowhere = await api.call('/v1/nowhere');
  expect([nowhere.status, nowhere.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
});

test('a request keeps the id that it came with, and a hostile one gets another', async () => {
  const kept = await api.call('/v1/nowhere', { headers: { 'x-request-id': 'mine-1' } });
  expect(kept.headers.get('x-request-id')).toBe('mine-1');
  expect(((await kept.json()) as Loose).instance).toBe('urn:observatory:request:mine-1');
  const replaced = await api.call('/healthz', { headers: { 'x-request-id': '<script>' } });
  expect(replaced.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

test('a database that is away is 503 with a time to come back, and says nothing of itself', async () => {
  // Nothing listens on port 1.
  await using nowhere = createDatabase('postgres://observer@127.0.0.1:1/none');
  await using away = await createTestApi({ db: nowhere.db });
  const answer = await away.call('/v1/episodes');
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(await answer.text()).not.toMatch(/127\.0\.0\.1|postgres|select/i);
});
