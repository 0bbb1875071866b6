/** Events from outside: each taken or refused by itself, once, and exactly. */
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readEvidence } from '../../../src/db/read/events.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { EVENTS } from '../../../src/schemas/events/registry.ts';
import { eventOf } from '../../support/events.ts';
import { createTestApi, READER, seedEpisode, seedStep } from './test-api.ts';
import type { Loose, TestApi } from './test-api.ts';

let api: TestApi;
let episode: Episode;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());
beforeEach(async () => {
  episode = await seedEpisode(api);
});

const path = () => `/v1/episodes/${episode.id}/events`;
const of = (type: string, changes: Record<string, unknown> = {}) => eventOf(episode.id, type, changes);
/** Posts a batch, given as values or as JSON text; returns the status and the body. */
async function post(events: unknown[] | string): Promise<{ status: number; body: Loose }> {
  const body = typeof events === 'string' ? events : JSON.stringify({ events });
  const answer = await api.call(path(), { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  return { status: answer.status, body: await answer.json() };
}
const list = async (query = ''): Promise<Loose[]> => (await api.get(`${path()}${query}`)).items;
const count = async (): Promise<number> => (await api.get(`/v1/episodes/${episode.id}`)).event_count;

test('every type is taken, listed in its place in the stream, and counted', async () => {
  const events = EVENTS.map(({ shape }) => of(shape.type.value));
  const { status, body } = await post(events);
  expect(status).toBe(200);
  expect(body.items.map((item: Loose) => item.status)).toEqual(events.map(() => 201));
  const listed = await list('?limit=100');
  expect(listed.map(({ type, payload, stream_seq }) => ({ type, payload, stream_seq }))).toEqual(
    events.map(({ type, payload }, index) => ({ type, payload, stream_seq: index + 1 })),
  );
  expect(listed[0]).toMatchObject({
    occurred_at: '2026-01-31T12:00:00.25Z',
    producer: { name: 'outside-worker', version: '1.2.3' },
    attributes: {},
    step_id: null,
    seq: null,
    sanitized: false,
    exact_href: null,
  });
  expect(await count()).toBe(events.length);
});

test('an event sent again is replayed, with other content it is refused, and neither touches the others', async () => {
  const first = of('ls_files_tool');
  expect((await post([first])).body.items).toMatchObject([{ status: 201, replayed: false, stream_seq: 1 }]);
  const reordered = Object.fromEntries(Object.entries(first).toReversed());
  const other = { ...first, payload: { path: '/other' } };
  const { status, body } = await post([reordered, other, of('git_commit_tool'), first]);
  expect(status).toBe(200);
  expect(body.items).toMatchObject([
    { status: 200, replayed: true, stream_seq: 1 },
    { status: 409, replayed: false, stream_seq: null, errors: [{ pointer: '/events/1/event_id' }] },
    { status: 201, stream_seq: 2 },
    { status: 200, replayed: true, stream_seq: 1 },
  ]);
  expect(await count()).toBe(2);
});

test('an event that is wrong is refused alone, with a pointer to what is wrong with it', async () => {
  const wrong: [Loose, string, string][] = [
    [of('ls_files_tool', { type: 'no_such_type' }), '/type', 'unknown_type'],
    [of('ls_files_tool', { v: 7 }), '/v', 'unknown_version'],
    [of('ls_files_tool', { extra: 1 }), '/extra', 'unrecognized_keys'],
    [of('ls_files_tool', { payload: { path: '/', 'a/b~c': 1 } }), '/payload/a~1b~0c', 'unrecognized_keys'],
    [of('ls_files_tool', { payload: {} }), '/payload/path', 'invalid_type'],
    [of('ls_files_tool', { payload: { path: 'a\u0000' } }), '/payload/path', 'invalid_format'],
    [of('ls_files_tool', { payload: { path: 'a\ud800' } }), '/payload/path', 'custom'],
    [of('ls_files_tool', { occurred_at: 'yesterday' }), '/occurred_at', 'custom'],
    [of('ls_files_tool', { event_id: 'one' }), '/event_id', 'invalid_format'],
    [of('ls_files_tool', { producer: { name: 'Observatory-Worker', version: '1' } }), '/producer/name', 'reserved'],
    [
      JSON.parse(JSON.stringify(of('ls_files_tool')).replace('{', '{"__proto__":1,')),
      '/__proto__',
      'unrecognized_keys',
    ],
    ['text' as Loose, '', 'invalid_type'],
  ];
  const good = of('ls_files_tool');
  const { status, body } = await post([...wrong.map(([event]) => event), good]);
  expect(status).toBe(422);
  expect(body).toMatchObject({ type: 'urn:observatory:problem:unprocessable', status: 422 });
  const found = body.items
    .slice(0, -1)
    .map((item: Loose) => [item.status, item.errors[0].pointer, item.errors[0].code]);
  expect(found).toEqual(wrong.map(([, pointer, code], index) => [422, `/events/${index}${pointer}`, code]));
  expect(body.errors).toHaveLength(wrong.length);
  expect(body.items.at(-1)).toMatchObject({ status: 201, event_id: good.event_id });
  expect(await count()).toBe(1);
});

test('an event of another episode, or of a step that is not there, has no place here', async () => {
  const elsewhere = await seedEpisode(api);
  await seedStep(api, elsewhere, { seq: 1 });
  const [step] = (await api.get(`/v1/episodes/${elsewhere.id}/steps`)).items;
  const id = randomUUID();
  const { status, body } = await post([
    eventOf(elsewhere.id, 'ls_files_tool'),
    of('ls_files_tool', { step_id: step.id }),
    of('ls_files_tool', { event_id: id.toUpperCase() }),
  ]);
  expect(status).toBe(200);
  expect(body.items.map((item: Loose) => item.status)).toEqual([409, 404, 201]);
  const stolen = await api.post(`/v1/episodes/${elsewhere.id}/events`, {
    events: [eventOf(elsewhere.id, 'ls_files_tool', { event_id: id })],
  });
  expect((await stolen.json()) as Loose).toMatchObject({ items: [{ status: 409 }] });
  expect((await api.post(`/v1/episodes/${randomUUID()}/events`, { events: [of('ls_files_tool')] })).status).toBe(404);
  expect((await api.call(path(), { method: 'POST', key: READER, body: '{}' })).status).toBe(403);
});

test('what a row cannot hold is kept to the byte, and the event says so', async () => {
  const plain = JSON.stringify(of('run_command_tool', { payload: { command: 'echo' } }));
  const withText = (json: string) =>
    plain.replace(/"event_id":"[^"]+"/, `"event_id":"${randomUUID()}"`).replace('"echo"', json);
  const withArguments = (json: string) =>
    JSON.stringify(of('tool_invocation', { payload: { tool_name: 'x', arguments: 0 } })).replace(/:0\}/, `:${json}}`);
  const sent = [
    withText(String.raw`"a\u0000b"`),
    withText(String.raw`"half \ud83d of a pair"`),
    withArguments('{"n":9007199254740993, "a\\u0000": 1}'),
    withArguments('{ "n" : 0.1000, "m": 1e3, "__proto__": {"x": 1} }'),
    JSON.stringify(of('ls_files_tool', { occurred_at: '0001-01-01T00:00:00+23:59' })),
    withText(String.raw`"café \ud83d\ude00 ␀"`),
  ];
  const batch = `{"events": [ ${sent.join(' ,\n')} ]}`;
  const { status, body } = await post(batch);
  expect(status).toBe(200);
  expect(body.items.map((item: Loose) => [item.status, item.sanitized])).toEqual([
    [201, true],
    [201, true],
    [201, true],
    [201, false],
    [201, true],
    [201, false],
  ]);
  const listed = await list();
  expect(listed.map(({ payload }) => payload)).toEqual([
    { command: 'a\u2400b' },
    { command: 'half \ufffd of a pair' },
    { tool_name: 'x', arguments: { n: 9007199254740992, 'a\u2400': 1 } },
    JSON.parse('{ "tool_name": "x", "arguments": { "n": 0.1, "m": 1000, "__proto__": { "x": 1 } } }'),
    { path: '/' },
    { command: 'café 😀 ␀' },
  ]);
  expect(listed[4].occurred_at).toBe('0001-01-01T00:00:00Z');
  for (const [index, event] of listed.entries()) {
    if (!event.sanitized) continue;
    const bytes = await (await api.call(event.exact_href)).text();
    expect(bytes).toBe(sent[index]);
    expect(event.exact_sha256).toBe(createHash('sha256').update(sent[index]!).digest('hex'));
  }
  expect((await post(batch)).body.items.every((item: Loose) => item.replayed)).toBe(true);
  const changed = await post(batch.replace('9007199254740993', '9007199254740992'));
  expect(changed.body.items.map((item: Loose) => item.status)).toEqual([200, 200, 409, 200, 200, 200]);
});

test.each([
  ['no JSON', '{"events": [', 400],
  ['text that is no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 400],
  ['no events', '{}', 400],
  ['an empty batch', '{"events":[]}', 400],
  ['more than a batch holds', JSON.stringify({ events: Array(101).fill(1) }), 400],
  ['another member', '{"events":[1],"more":1}', 400],
  ['a member twice', '{"events":[{"v":1,"\\u0076":1}]}', 400],
  ['20,000 levels', `{"events":[${'['.repeat(20_000)}${']'.repeat(20_000)}]}`, 400],
  ['more than a megabyte', `{"events":["${'x'.repeat(1024 ** 2)}"]}`, 413],
])('a body with %s is refused whole', async (_, body, status) => {
  const answer = await api.call(path(), { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
});

test('a body of another media type is refused', async () => {
  const answer = await api.call(path(), { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } });
  expect(answer.status).toBe(415);
});

test('events are listed by type, step and time, page by page', async () => {
  await seedStep(api, episode, { seq: 1 });
  const [step] = (await api.get(`/v1/episodes/${episode.id}/steps`)).items;
  const times = ['2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00', '2026-01-01T02:00:00Z'];
  await post([
    of('ls_files_tool', { occurred_at: times[0], step_id: step.id, attempt: 1 }),
    of('grep_tool', { occurred_at: times[1] }),
    of('ls_files_tool', { occurred_at: times[2] }),
  ]);
  const types = async (query: string) => (await list(query)).map(({ type }) => type);
  expect(await types('?type=ls_files_tool')).toEqual(['ls_files_tool', 'ls_files_tool']);
  expect(await list('?seq=1')).toMatchObject([{ seq: 1, step_id: step.id, attempt: 1 }]);
  expect(await types('?from=2026-01-01T00:00:01Z')).toEqual(['ls_files_tool']);
  expect(await types(`?to=${encodeURIComponent('2026-01-01T02:00:00+00:00')}`)).toEqual(['ls_files_tool', 'grep_tool']);
  const seen: Loose[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Loose = await api.get(`${path()}?limit=1${cursor && `&cursor=${cursor}`}`);
    seen.push(...page.items);
    cursor = page.next_cursor;
  }
  expect(seen).toEqual(await list());
  for (const query of ['?type=nothing', '?from=today', '?seq=0', '?cursor=x'])
    expect((await api.call(`${path()}${query}`)).status).toBe(400);
});

test('fifty producers at once get every number of the stream once', async () => {
  const batches = Array.from({ length: 50 }, () => [of('ls_files_tool'), of('grep_tool')]);
  const answers = await Promise.all([...batches, ...batches.slice(0, 5)].map(post));
  const created = answers.flatMap(({ body }) => body.items.filter((item: Loose) => item.status === 201));
  expect(new Set(created.map((item: Loose) => item.stream_seq)).size).toBe(100);
  const { event_count, last_stream_seq } = await api.get(`/v1/episodes/${episode.id}`);
  expect({ event_count, last_stream_seq }).toEqual({ event_count: 100, last_stream_seq: 100 });
});

test('an event is never changed', async () => {
  await post([of('ls_files_tool')]);
  const change = api.database.client.pool.query(`update events set type = 'other' where episode_id = $1`, [episode.id]);
  await expect(change).rejects.toThrow(/never changed/);
});

test('schemas are listed and read, and a client that has one is told so', async () => {
  const { items } = await api.get('/v1/schemas/events');
  expect(items).toHaveLength(EVENTS.length);
  const answer = await api.call(items[0].href);
  expect(answer.headers.get('content-type')).toBe('application/schema+json');
  expect(answer.headers.get('cache-control')).toContain('immutable');
  expect(await answer.json()).toMatchObject({ $id: 'urn:observatory:event:tool_invocation:1', type: 'object' });
  const etag = answer.headers.get('etag')!;
  const again = await api.call(items[0].href, { headers: { 'if-none-match': etag } });
  expect([again.status, again.headers.get('etag')]).toEqual([304, etag]);
  for (const unknown of ['tool_invocation/2', 'nothing/1'])
    expect((await api.call(`/v1/schemas/events/${unknown}`)).status).toBe(404);
  for (const malformed of ['tool_invocation/x', 'Nothing!/1'])
    expect((await api.call(`/v1/schemas/events/${malformed}`)).status).toBe(400);
});

test('what a review can rest on is counted from the steps before it', async () => {
  const files = ['/renders/sim-1/a.png', '/renders/sim-1/simulation_result.json'].map((file) => ({
    path: file,
    content: file,
  }));
  await seedStep(api, episode, { seq: 1, files });
  const before = (seq: number) => readEvidence(api.db, { episode_id: episode.id, before: seq });
  expect(await before(1)).toEqual({ has_sim_report: false, num_renders: 0, simulations_run: 0 });
  expect(await before(2)).toEqual({ has_sim_report: true, num_renders: 0, simulations_run: 0 });
});
