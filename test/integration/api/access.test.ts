import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from '../../../src/db/client.ts';
import { createTestApi, OPERATOR, READER, sha256Of } from './test-api.ts';
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

test('a key that was revoked since its last request gets nothing of what it asks for', async () => {
  await using other = await createTestApi();
  const path = `/v1/artifacts/${sha256Of('secret')}`;
  await other.call(path, { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'secret' });
  const read = () => other.call(`${path}/content`, { headers: { 'x-request-id': 'mine-2' } });
  const revoke = (at: string | null) => other.db.updateTable('api_keys').set({ revoked_at: at }).execute();
  expect((await read()).headers.get('etag')).toContain(sha256Of('secret'));
  await revoke(new Date().toISOString());
  const refused = await read();
  expect([refused.status, refused.headers.get('etag'), refused.headers.get('content-length')]).toEqual([
    401,
    null,
    null,
  ]);
  expect(refused.headers.get('content-type')).toBe('application/problem+json');
  expect(await refused.json()).toMatchObject({ status: 401, instance: 'urn:observatory:request:mine-2' });
  await revoke(null);
  expect(await (await read()).text()).toBe('secret');
});

test('health, readiness and the document are open', async () => {
  for (const path of ['/healthz', '/readyz', '/openapi.json', '/docs'])
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

test('readiness tells of a dependency that is spared, and is not held up by it', async () => {
  const dependencies = { database: { state: 'ok' as const }, langfuse: { state: 'down' as const, spared: true } };
  await using spared = await createTestApi({ ready: async () => dependencies });
  const answer = await spared.call('/readyz', { key: '' });
  expect([answer.status, await answer.json()]).toEqual([200, { ready: true, dependencies }]);
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

describe('a session', () => {
  const start = async (key = OPERATOR) => {
    const answer = await api.call('/v1/sessions', { method: 'POST', key });
    expect(answer.status).toBe(201);
    const cookie = answer.headers.get('set-cookie')!;
    return { cookie, pair: cookie.split(';', 1)[0]!, body: (await answer.json()) as Loose };
  };
  const ask = (path: string, cookie: string, init: { method?: string; headers?: Record<string, string> } = {}) =>
    api.app.request(path, { ...init, headers: { cookie, ...init.headers } });

  test('is a cookie that scripts cannot read and other sites cannot use, and reads as its key does', async () => {
    const { cookie, pair, body } = await start();
    expect(cookie).toMatch(/^observatory_session=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(body).toMatchObject({ name: 'operator', role: 'operator' });
    expect((await ask('/v1/episodes', pair)).status).toBe(200);
    expect(await (await ask('/v1/sessions', pair)).json()).toEqual({ name: 'operator', role: 'operator' });
    const { rows } = await api.database.client.pool.query('select * from sessions');
    expect(JSON.stringify(rows)).not.toContain(pair.split('=')[1]);
  });

  test('is secure where the API is, and for readers to make too', async () => {
    await using secure = await createTestApi({
      links: {
        api_url: 'https://api.test',
        temporal_ui_url: undefined,
        temporal_namespace: 'default',
        langfuse_project_url: () => null,
      },
    });
    const answer = await secure.call('/v1/sessions', { method: 'POST', key: READER });
    expect(answer.headers.get('set-cookie')).toContain('; Secure');
  });

  test('changes something only from the page of its own address', async () => {
    const { pair } = await start();
    const pause = (origin?: string) =>
      ask('/v1/restore-points', pair, { method: 'POST', headers: { host: 'here:7700', ...(origin && { origin }) } });
    expect((await pause()).status).toBe(403);
    expect((await pause('https://evil.test')).status).toBe(403);
    expect((await pause('null')).status).toBe(403);
    expect((await pause('http://here:7700')).status).toBe(202);
    expect((await pause('http://api.test')).status).toBe(202);
  });

  test('may do what its key may, and nothing after it ended, expired, or its key was revoked', async () => {
    const reader = await start(READER);
    const own = { origin: 'http://api.test' };
    expect((await ask('/v1/restore-points', reader.pair, { method: 'POST', headers: own })).status).toBe(403);
    expect((await ask('/v1/sessions', reader.pair, { method: 'POST', headers: own })).status).toBe(403);
    const ended = await ask('/v1/sessions', reader.pair, { method: 'DELETE', headers: own });
    expect([ended.status, ended.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')]);
    expect((await ask('/v1/episodes', reader.pair)).status).toBe(401);

    await using other = await createTestApi();
    const made = await other.call('/v1/sessions', { method: 'POST' });
    const cookie = made.headers.get('set-cookie')!.split(';', 1)[0]!;
    const status = async () => (await other.app.request('/v1/episodes', { headers: { cookie } })).status;
    expect(await status()).toBe(200);
    await other.database.client.pool.query("update api_keys set revoked_at = now() where name = 'operator'");
    expect(await status()).toBe(401);
    await other.database.client.pool.query('update api_keys set revoked_at = null');
    await other.database.client.pool.query('update sessions set expires_at = now()');
    expect(await status()).toBe(401);
  });
});

test('a key that asks too often is told when to come back, and others are not slowed', async () => {
  await using limited = await createTestApi({ requests_per_s_max: 1 });
  const statuses: number[] = [];
  for (let n = 0; n < 12; n++) statuses.push((await limited.call('/v1/agents')).status);
  expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 200));
  const refused = await limited.call('/v1/agents');
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(refused.headers.get('content-type')).toBe('application/problem+json');
  expect((await limited.call('/v1/agents', { key: READER })).status).toBe(200);
  expect((await limited.call('/healthz', { key: '' })).status).toBe(200);
});

test('no other site may read answers', async () => {
  for (const method of ['GET', 'OPTIONS']) {
    const answer = await api.call('/v1/episodes', { method, headers: { origin: 'https://evil.test' } });
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

test('no secret reaches a log, an answer or a problem', async () => {
  await using other = await createTestApi();
  const answers: string[] = [];
  const made = await other.call('/v1/sessions', { method: 'POST' });
  const cookie = made.headers.get('set-cookie')!.split(';', 1)[0]!;
  const secrets = [OPERATOR, sha256Of(OPERATOR), cookie.split('=')[1]!, 'hunter2-in-a-query', 'hunter2-in-a-body'];
  const json = { 'content-type': 'application/json' };
  for (const [path, init] of [
    ['/v1/sessions', {}],
    ['/v1/episodes?q=hunter2-in-a-query&wrong=hunter2-in-a-query', {}],
    ['/v1/episodes/hunter2-in-a-query', {}],
    [
      '/v1/episodes',
      { method: 'POST', headers: json, body: '{"task": "hunter2-in-a-body", "name": "hunter2-in-a-body"}' },
    ],
    ['/v1/episodes', { method: 'POST', headers: json, body: '{"task": hunter2-in-a-body' }],
    ['/v1/episodes', { key: '', headers: { authorization: `Basic ${OPERATOR}` } }],
    ['/v1/episodes', { key: '', headers: { cookie: `${cookie}x` } }],
    ['/v1/episodes', { key: '', headers: { cookie } }],
    ['/v1/nowhere', { key: '', headers: { cookie } }],
  ] as const) {
    const answer = await other.call(path, init);
    answers.push(await answer.text(), JSON.stringify([...answer.headers]));
  }
  // What breaks inside is logged with its cause, which may quote a statement's values.
  await other.database.client.pool.query('drop table sessions');
  expect((await other.call('/v1/episodes', { key: '', headers: { cookie } })).status).toBe(500);
  const said = [
    ...answers,
    JSON.stringify(other.logged, (_, value) =>
      value instanceof Error
        ? Object.fromEntries(Object.getOwnPropertyNames(value).map((name) => [name, Reflect.get(value, name)]))
        : (value as unknown),
    ),
  ];
  for (const secret of secrets.filter((each) => each !== 'hunter2-in-a-query'))
    expect(said.filter((text) => text.includes(secret))).toEqual([]);
  expect(answers.filter((text) => text.includes('hunter2-in-a-query'))).toEqual([]);
});

test('the contract’s page loads nothing from elsewhere', async () => {
  const page = await api.call('/docs', { key: '' });
  const policy = page.headers.get('content-security-policy')!;
  expect(policy).toContain("default-src 'none'; script-src 'self';");
  expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
  const loaded = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address!);
  expect(loaded).toHaveLength(5);
  for (const address of loaded) {
    const file = await api.call(address, { key: '' });
    expect([address, file.status]).toEqual([address, 200]);
    expect((await file.arrayBuffer()).byteLength).toBeGreaterThan(100);
  }
});
