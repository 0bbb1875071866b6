import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCollector } from '../../../src/langfuse-stand-in/server.ts';
import { createDatabase } from '../../../src/db/client.ts';
import { BASIC, exportOf, newTraceId, OTLP, otlpSpan, startTestCollector, V4 } from './test-stand-in.ts';
import type { TestCollector } from './test-stand-in.ts';

let collector: TestCollector;
let legacy: TestCollector;
beforeAll(async () => {
  collector = await startTestCollector();
  legacy = await startTestCollector({ mode: 'legacy' });
});
afterAll(async () => {
  await collector[Symbol.asyncDispose]();
  await legacy[Symbol.asyncDispose]();
});

const send = (...spans: object[]) => collector.post(OTLP, exportOf(...spans), V4);

describe('the OTLP endpoint', () => {
  test('keeps a span, gzip or not, with its times floored to milliseconds', async () => {
    const traceId = newTraceId();
    const body = exportOf(
      otlpSpan({ traceId, name: 'zipped', start: '1767323045123999999', end: '1767323047000000001' }),
    );
    const answer = await collector.call(OTLP, {
      method: 'POST',
      body: gzipSync(JSON.stringify(body)),
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip', ...V4 },
    });
    expect([answer.status, await answer.json()]).toEqual([200, {}]);
    const { data, meta } = await collector.api.observations.getMany({ traceId, fields: 'core,basic,metrics' });
    expect(data).toMatchObject([
      {
        traceId,
        name: 'zipped',
        startTime: '2026-01-02T03:04:05.123Z',
        endTime: '2026-01-02T03:04:07.000Z',
        latency: 1.877,
      },
    ]);
    expect(meta).toEqual({});
  });

  test('reads protobuf as it reads JSON', async () => {
    const traceId = newTraceId();
    const answer = await collector.call(OTLP, {
      method: 'POST',
      body: protobufExport(traceId),
      headers: { 'content-type': 'application/x-protobuf', ...V4 },
    });
    expect(answer.status).toBe(200);
    const { data } = await collector.api.observations.getMany({
      traceId,
      fields: 'basic,usage,metadata,trace_context',
    });
    expect(data).toMatchObject([
      {
        id: '00f067aa0ba902b7',
        parentObservationId: '00f067aa0ba902b8',
        name: 'by protobuf',
        type: 'GENERATION',
        startTime: '2026-01-02T03:04:05.123Z',
        usageDetails: { input: 3, output: 4, total: 7 },
        tags: ['one', 'two'],
        metadata: { step: 7, 'resourceAttributes.service.name': 'the tests' },
      },
    ]);
  });

  const good = () => otlpSpan({ traceId: newTraceId() });
  test.each([
    ['a span id of the wrong length', () => exportOf(good(), { ...good(), spanId: 'abcd' })],
    ['an absent trace id', () => exportOf(good(), { ...good(), traceId: undefined })],
    ['an id of nothing but zeros', () => exportOf(good(), { ...good(), spanId: '0000000000000000' })],
    ['a bad parent id', () => exportOf(good(), { ...good(), parentSpanId: 'x' })],
    ['attributes that are an object', () => exportOf(good(), { ...good(), attributes: { a: 1 } })],
    ['spans that are no list', () => ({ resourceSpans: [{ scopeSpans: [{ spans: {} }] }] })],
  ])('refuses a batch as a unit for %s', async (_, body) => {
    const batch = body();
    const [, traceId = 'none'] = /"traceId":"(\w+)"/.exec(JSON.stringify(batch)) ?? [];
    const answer = await collector.post(OTLP, batch, V4);
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: 'invalid_argument', message: expect.any(String) },
    ]);
    expect((await collector.api.observations.getMany({ traceId })).data).toEqual([]);
  });

  test('leaves a span that it cannot read out of a batch that it takes, without a word', async () => {
    const traceId = newTraceId();
    const odd = { ...otlpSpan({ traceId }), attributes: [{ key: 'a', value: null }] };
    expect((await send(odd, otlpSpan({ traceId, name: 'sound' }))).status).toBe(200);
    const { data } = await collector.api.observations.getMany({ traceId });
    expect(data.map(({ name }) => name)).toEqual(['sound']);
  });

  test('answers 400 for what is no export, and 401 without the right keys', async () => {
    const post = (body: string, headers: Record<string, string>) =>
      collector.call(OTLP, { method: 'POST', body, headers });
    expect((await post('{', { 'content-type': 'application/json' })).status).toBe(400);
    expect((await post('{}', { 'content-type': 'text/plain' })).status).toBe(400);
    expect((await post('\n\u007fcut', { 'content-type': 'application/x-protobuf' })).status).toBe(400);
    expect((await post('{}', { 'content-type': 'application/json', 'content-encoding': 'gzip' })).status).toBe(400);
    const json = { 'content-type': 'application/json' };
    expect((await post('{}', { ...json, 'x-langfuse-ingestion-version': '5' })).status).toBe(400);
    expect((await post('{}', { ...json, authorization: `Basic ${btoa('pk:sk')}` })).status).toBe(401);
    expect((await post('{}', json)).status).toBe(200);
  });

  test('shows spans late when the sender does not say that it speaks v4', async () => {
    await using own = await startTestCollector();
    const traceId = newTraceId();
    await own.post(OTLP, exportOf(otlpSpan({ traceId })));
    const read = async () => (await own.api.observations.getMany({ traceId })).data.length;
    expect(await read()).toBe(0);
    own.pass(2 * 60_000);
    expect(await read()).toBe(1);
  });
});

describe('v4 reads', () => {
  test('return what was sent twice as two rows, and keep a page’s place among them', async () => {
    const traceId = newTraceId();
    const twice = otlpSpan({ traceId, spanId: '00000000000000aa', name: 'twice' });
    await send(twice, otlpSpan({ traceId, name: 'other', start: '1767323046000000000' }));
    await send(twice);
    const names: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 3; page += 1) {
      const { data, meta } = await collector.api.observations.getMany({ traceId, limit: 1, ...(cursor && { cursor }) });
      names.push(...data.map(({ name }) => name ?? ''));
      cursor = meta.cursor;
    }
    expect(names).toEqual(['other', 'twice', 'twice']);
    expect(cursor).toBeUndefined();
  });

  test('show the groups of members that are asked for, and no others', async () => {
    const traceId = newTraceId();
    await send(otlpSpan({ traceId, attributes: { 'langfuse.observation.input': '{"a":1}' } }));
    const core = [
      'endTime',
      'id',
      'inputPrice',
      'latency',
      'modelId',
      'outputPrice',
      'parentObservationId',
      'projectId',
      'startTime',
      'timeToFirstToken',
      'totalPrice',
      'traceId',
      'type',
    ];
    const keys = async (fields?: string) => {
      const { data } = await collector.api.observations.getMany({ traceId, ...(fields && { fields }) });
      return Object.keys(data[0] ?? {}).toSorted();
    };
    expect(await keys('core')).toEqual(core);
    expect(await keys('io')).toEqual([...core, 'input', 'output'].toSorted());
    expect(await keys()).toEqual(await keys('core,basic'));
    const { data } = await collector.api.observations.getMany({ traceId, fields: 'io' });
    expect(data[0]?.input).toBe('{"a":1}');
  });

  test('cut metadata to 200 characters unless its key is asked for whole', async () => {
    const traceId = newTraceId();
    const long = 'x'.repeat(201);
    await send(otlpSpan({ traceId, attributes: { 'langfuse.observation.metadata.long': long } }));
    const read = async (expandMetadata?: string) => {
      const query = { traceId, fields: 'metadata', ...(expandMetadata && { expandMetadata }) };
      const { data } = await collector.api.observations.getMany(query);
      return (data[0]?.metadata as { long: string } | undefined)?.long;
    };
    expect(await read()).toBe(long.slice(0, 200));
    expect(await read('other,long')).toBe(long);
  });

  test('filter by what an observation says', async () => {
    const traceId = newTraceId();
    const root = otlpSpan({ traceId, name: 'root', attributes: { 'user.id': 'ada', 'langfuse.environment': 'lab' } });
    await send(
      root,
      otlpSpan({
        traceId,
        name: 'leaf',
        parentSpanId: root.spanId,
        attributes: { 'langfuse.observation.type': 'tool' },
      }),
    );
    const names = async (query: object) =>
      (await collector.api.observations.getMany({ traceId, ...query })).data.map(({ name }) => name);
    expect(await names({ type: 'TOOL' })).toEqual(['leaf']);
    expect(await names({ userId: 'ada' })).toEqual(['root']);
    expect(await names({ environment: ['lab', 'elsewhere'] })).toEqual(['root']);
    expect(await names({ parentObservationId: root.spanId })).toEqual(['leaf']);
    expect(await names({ parentObservationId: '' })).toEqual(['root']);
    expect(await names({ fromStartTime: '2026-01-03T00:00:00Z' })).toEqual([]);
  });

  test('refuse a limit over 1,000, a made-up cursor and conditions that are none', async () => {
    for (const query of ['limit=1001', 'limit=0', 'cursor=bm90', 'filter=no', 'filter=[{"type":"number"}]'])
      expect((await collector.call(`/api/public/v2/observations?${query}`)).status).toBe(400);
    expect((await collector.call('/api/public/v2/observations?limit=1000')).status).toBe(200);
  });

  test('take several traces at once', async () => {
    const traces = [newTraceId(), newTraceId(), newTraceId()];
    for (const traceId of traces) await send(otlpSpan({ traceId }));
    const asked = [traces[0], traces[2]];
    const filter = JSON.stringify([{ type: 'stringOptions', column: 'traceId', operator: 'any of', value: asked }]);
    const { data } = await collector.api.observations.getMany({ filter });
    expect(new Set(data.map(({ traceId }) => traceId))).toEqual(new Set(asked));
  });

  test('show a span that was sent again as several rows, and some time later as one: the newest of its id and start', async () => {
    await using own = await startTestCollector();
    const traceId = newTraceId();
    const twice = otlpSpan({ traceId, spanId: '00000000000000aa', name: 'first said' });
    const other = otlpSpan({
      traceId,
      spanId: '00000000000000aa',
      name: 'another start',
      start: '1767323046000000000',
    });
    for (const span of [twice, { ...twice, name: 'said last' }, other]) await own.post(OTLP, exportOf(span), V4);
    const names = async () => (await own.api.observations.getMany({ traceId })).data.map(({ name }) => name);
    expect(await names()).toEqual(['another start', 'said last', 'first said']);
    own.pass(60_000);
    expect(await names()).toEqual(['another start', 'said last']);
  });

  test('have empty texts where nothing was said, and sums of what went in and came out', async () => {
    const traceId = newTraceId();
    const attributes = {
      'langfuse.observation.type': 'generation',
      'langfuse.observation.usage_details': '{"input":10,"input_cached_tokens":5,"output":2}',
    };
    await send(otlpSpan({ traceId, attributes }));
    const { data } = await collector.get(
      `/api/public/v2/observations?traceId=${traceId}&fields=core,basic,usage,prompt`,
    );
    const empty = {
      statusMessage: '',
      userId: '',
      sessionId: '',
      version: '',
      promptName: '',
      parentObservationId: null,
    };
    expect(data).toMatchObject([{ ...empty, inputUsage: 15, outputUsage: 2, totalUsage: 17, totalCost: null }]);
  });

  test('of a v4 server that goes on writing the older store are empty, while it serves the older reads', async () => {
    await using own = await startTestCollector({ mode: 'v4_legacy' });
    const traceId = newTraceId();
    await own.post(OTLP, exportOf(otlpSpan({ traceId })), V4);
    expect((await own.api.health.health()).version).toBe('4.16.0');
    expect((await own.api.observations.getMany({ traceId })).data).toEqual([]);
    expect((await own.get(`/api/public/observations?traceId=${traceId}`)).meta.totalItems).toBe(1);
  });

  test('are all that a v4 server has: the older ones answer 404, and the other way round', async () => {
    for (const path of ['observations', 'traces', 'sessions', 'scores', 'v2/scores'])
      expect([path, (await collector.call(`/api/public/${path}`)).status]).toEqual([path, 404]);
    for (const path of ['v2/observations', 'v3/scores'])
      expect([path, (await legacy.call(`/api/public/${path}`)).status]).toEqual([path, 404]);
  });
});

describe('the ingestion API', () => {
  const timestamp = '2026-01-02T03:04:05.000Z';
  const event = (type: string, body: object) => ({ id: randomUUID(), type, timestamp, body });

  test('of a v4 server refuses traces and observations one by one and takes the scores between them', async () => {
    const traceId = newTraceId();
    const batch = [
      event('trace-create', { id: traceId, name: 'a trace' }),
      event('score-create', { id: 'taken', traceId, name: 'good', value: 1 }),
      event('generation-create', { id: 'g', traceId }),
      event('sdk-log', { log: 'x' }),
    ];
    const answer = await collector.post('/api/public/ingestion', { batch });
    expect(answer.status).toBe(207);
    const { successes, errors } = (await answer.json()) as { successes: object[]; errors: object[] };
    expect(successes).toEqual([batch[1], batch[3]].map((sent) => ({ id: sent?.id, status: 201 })));
    expect(errors).toMatchObject([batch[0], batch[2]].map((sent) => ({ id: sent?.id, status: 400 })));
    expect((await collector.api.scoresV3.getManyV3({ traceId })).data).toMatchObject([{ id: 'taken', value: 1 }]);
    expect((await collector.api.observations.getMany({ traceId })).data).toEqual([]);
  });

  test('of an older server merges what events said of an observation', async () => {
    const traceId = newTraceId();
    const batch = [
      event('generation-create', {
        id: 'g1',
        traceId,
        name: 'think',
        startTime: timestamp,
        model: 'm',
        metadata: { a: 1 },
      }),
      event('generation-update', {
        id: 'g1',
        traceId,
        output: { said: 'yes' },
        usage: { input: 1, output: 2 },
        metadata: { b: { c: 2 } },
      }),
      event('tool-create', {
        id: 't1',
        traceId,
        parentObservationId: 'g1',
        startTime: '2026-01-02T03:04:06Z',
        level: 'ERROR',
      }),
      event('made-up-create', {}),
    ];
    const answer = (await (await legacy.post('/api/public/ingestion', { batch })).json()) as { errors: object[] };
    expect(answer.errors).toMatchObject([{ id: batch[3]?.id, status: 400 }]);
    const { data, meta } = await legacy.get(`/api/public/observations?traceId=${traceId}`);
    expect(meta).toEqual({ page: 1, limit: 50, totalItems: 2, totalPages: 1 });
    expect(data).toMatchObject([
      { id: 't1', type: 'TOOL', parentObservationId: 'g1', level: 'ERROR' },
      {
        id: 'g1',
        type: 'GENERATION',
        name: 'think',
        startTime: timestamp,
        model: 'm',
        output: { said: 'yes' },
        usageDetails: { input: 1, output: 2, total: 3 },
        metadata: { a: 1, 'b.c': 2 },
      },
    ]);
    const second = await legacy.get(`/api/public/observations?traceId=${traceId}&limit=1&page=2`);
    expect(second.data.map(({ id }: { id: string }) => id)).toEqual(['g1']);
    expect((await legacy.call('/api/public/observations?limit=101')).status).toBe(400);
  });

  test('of an older server shows a span that was sent twice once', async () => {
    const traceId = newTraceId();
    const span = exportOf(otlpSpan({ traceId }));
    await legacy.post(OTLP, span);
    await legacy.post(OTLP, span);
    expect((await legacy.get(`/api/public/observations?traceId=${traceId}`)).meta.totalItems).toBe(1);
  });

  test('refuses a body that is no batch', async () => {
    expect((await collector.post('/api/public/ingestion', {})).status).toBe(400);
    const answer = await legacy.post('/api/public/ingestion', { batch: [{ id: 'no-type' }, 7] });
    expect(await answer.json()).toMatchObject({ successes: [], errors: [{ id: 'no-type' }, { id: 'unknown' }] });
  });
});

describe('scores', () => {
  /** Two scores of a new trace, one of them written twice. */
  async function score(server: TestCollector) {
    const traceId = newTraceId();
    const given = { id: `score-${traceId}`, traceId, name: 'verdict', dataType: 'BOOLEAN', comment: 'seen' } as const;
    for (const value of [0, 1]) expect(await server.api.scores.create({ ...given, value })).toEqual({ id: given.id });
    await server.api.scores.create({ traceId, observationId: 'o1', name: 'kind', value: 'ball' });
    return { traceId, given };
  }

  test('are kept, replaced by their id, and read back as v4 shows them', async () => {
    const { traceId } = await score(collector);
    const { data } = await collector.api.scoresV3.getManyV3({ traceId, fields: 'details,subject' });
    expect(data).toMatchObject([
      { name: 'kind', dataType: 'CATEGORICAL', value: 'ball', subject: { kind: 'observation', id: 'o1', traceId } },
      {
        name: 'verdict',
        dataType: 'BOOLEAN',
        value: true,
        comment: 'seen',
        subject: { kind: 'trace', id: traceId },
      },
    ]);
    const page = await collector.api.scoresV3.getManyV3({ traceId, limit: 1 });
    const rest = await collector.api.scoresV3.getManyV3({ traceId, limit: 1, cursor: page.meta.cursor ?? '' });
    expect([...page.data, ...rest.data].map(({ name }) => name)).toEqual(['kind', 'verdict']);
    expect(rest.meta.cursor).toBeUndefined();
  });

  test('are read back as older servers show them', async () => {
    const { traceId, given } = await score(legacy);
    const { data, meta } = await legacy.get(`/api/public/v2/scores?traceId=${traceId}&name=verdict`);
    expect(data).toMatchObject([{ ...given, value: 1, stringValue: 'True' }]);
    expect(meta.totalItems).toBe(1);
    expect((await legacy.get(`/api/public/scores?traceId=${traceId}`)).meta.totalItems).toBe(2);
  });

  test('are refused without a subject, or with a value that is not of their type', async () => {
    for (const body of [
      { name: 'x', value: 1 },
      { name: 'x', value: 'a', traceId: 't', dataType: 'NUMERIC' },
      { value: 1, traceId: 't' },
      { name: 'x', value: 7, traceId: 't', dataType: 'BOOLEAN' },
    ])
      expect((await collector.post('/api/public/scores', body)).status).toBe(400);
  });

  test('are taken one at a time: a list gets an answer that says so, and a value out of its range one within the 207', async () => {
    const traceId = newTraceId();
    const list = await collector.post('/api/public/scores', [{ traceId, name: 'x', value: 1 }]);
    expect([list.status, ((await list.json()) as { message: string }).message]).toEqual([
      400,
      expect.stringContaining('not a list'),
    ]);
    const body = { traceId, name: 'x', value: 7, dataType: 'BOOLEAN' };
    const event = { id: 'e1', type: 'score-create', timestamp: '2026-01-02T03:04:05.000Z', body };
    const answer = await collector.post('/api/public/ingestion', { batch: [event] });
    expect([answer.status, await answer.json()]).toMatchObject([207, { errors: [{ id: 'e1', status: 400 }] }]);
  });

  test('are found by their ids', async () => {
    const traceId = newTraceId();
    for (const id of ['one', 'two', 'three']) await collector.api.scores.create({ id, traceId, name: id, value: 1 });
    const { data } = await collector.get('/api/public/v3/scores?id=one,three');
    expect(data.map(({ id }: { id: string }) => id)).toEqual(['three', 'one']);
  });
});

describe('limits', () => {
  test('are those of Langfuse’s plans on request: the last of a window is refused, which says for how long and of how many', async () => {
    await using own = await startTestCollector({ faults: true });
    await own.post('/faults', { faults: [], limits: [{ on: 'api', points: 3 }] });
    const ask = (path: string) => own.call(`/api/public/${path}`);
    expect((await ask('v2/observations')).status).toBe(200);
    expect((await own.post('/api/public/scores', { traceId: 't', name: 'x', value: 1 })).status).toBe(200);
    own.pass(10_000);
    const refused = await ask('v3/scores');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('50');
    expect(refused.headers.get('x-ratelimit-limit')).toBe('3');
    for (const path of ['health', 'projects']) expect((await ask(path)).status).toBe(200);
    own.pass(50_000);
    expect((await ask('v2/observations')).status).toBe(200);
  });
});

describe('deletion', () => {
  test('takes several traces at once', async () => {
    const traceIds = [newTraceId(), newTraceId()];
    for (const traceId of traceIds) await send(otlpSpan({ traceId }));
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ traceIds });
    expect((await collector.call('/api/public/traces', { method: 'DELETE', headers, body })).status).toBe(200);
    for (const traceId of traceIds) expect((await collector.api.observations.getMany({ traceId })).data).toEqual([]);
  });
});

describe('the server', () => {
  test('says how it is and which line it stands for, without a key', async () => {
    expect(await (await fetch(`${collector.url}/api/public/health`)).json()).toEqual({
      status: 'OK',
      version: '4.16.0',
    });
    expect((await legacy.api.health.health()).version).toBe('3.140.0');
    const [project] = (await collector.api.projects.get()).data;
    expect(project).toMatchObject({ id: 'observatory', name: 'Observatory' });
    expect((await fetch(`${collector.url}/api/public/projects`)).status).toBe(401);
  });

  test('keeps what it has when it is started again, and lets nothing be changed or deleted', async () => {
    const traceId = newTraceId();
    await send(otlpSpan({ traceId }));
    await using again = await collector.start();
    const answer = await fetch(`${again.url}/api/public/v2/observations?traceId=${traceId}`, {
      headers: { authorization: BASIC },
    });
    expect(((await answer.json()) as { data: object[] }).data).toHaveLength(1);
    await using database = createDatabase(collector.databaseUrl, { connections: 1 });
    for (const statement of ['update %s set id = id', 'delete from %s', 'truncate %s'])
      for (const table of ['observations', 'traces', 'scores'])
        await expect(database.pool.query(statement.replace('%s', `collector.${table}`))).rejects.toThrow('append-only');
  });

  test('starts while the sender of traces, who waits for it, holds its lock on the database', async () => {
    await using database = createDatabase(collector.databaseUrl, { connections: 1 });
    await database.pool.query('select pg_advisory_lock(7700772)');
    await using again = await collector.start();
    expect((await fetch(`${again.url}/api/public/health`)).status).toBe(200);
  });

  test('says so when its port is taken, and answers 404 to POST /faults: it fails on request in tests only', async () => {
    const port = Number(new URL(collector.url).port);
    const options = { databaseUrl: collector.databaseUrl, port, keys: { public_key: 'p', secret_key: 's' } };
    await expect(startCollector(options)).rejects.toThrow(`Port ${port} is taken.`);
    expect((await collector.post('/faults', { faults: [] })).status).toBe(404);
  });
});

describe('the pages', () => {
  test('show a trace as a tree of escaped text that may run nothing, at Langfuse’s address', async () => {
    const traceId = newTraceId();
    const root = otlpSpan({
      traceId,
      name: '<script>alert(1)</script>',
      attributes: { 'langfuse.trace.name': 'episode & co' },
    });
    await send(
      root,
      root,
      otlpSpan({
        traceId,
        name: 'leaf',
        parentSpanId: root.spanId,
        attributes: { 'langfuse.observation.input': '<b>' },
      }),
    );
    await send(otlpSpan({ traceId, name: 'orphan', parentSpanId: '00000000000000ff' }));
    const page = await fetch(`${collector.url}/project/observatory/traces/${traceId}`);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const text = await page.text();
    expect(text).toContain('<title>episode &amp; co</title>');
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(text).not.toContain('<script');
    expect(text).toContain('<pre>&lt;b&gt;</pre>');
    expect(text).toContain('sent 2 times');
    expect(text).toContain('its parent 00000000000000ff is not here');
    expect(text).toContain('this is not Langfuse');
    // The address without a project looks into a store that a default v4 server leaves empty.
    expect((await fetch(`${collector.url}/trace/${traceId}`)).status).toBe(404);
    expect(await (await fetch(collector.url)).text()).toContain(`/project/observatory/traces/${traceId}`);
    expect((await fetch(`${collector.url}/project/observatory/traces/none`)).status).toBe(404);
  });
});

/** One span in protobuf, written by OpenTelemetry's own serializer. */
function protobufExport(traceId: string): Uint8Array<ArrayBuffer> {
  const spanContext = (spanId: string) => ({ traceId, spanId, traceFlags: 1 });
  const span = {
    name: 'by protobuf',
    kind: 0,
    spanContext: () => spanContext('00f067aa0ba902b7'),
    parentSpanContext: spanContext('00f067aa0ba902b8'),
    startTime: [1_767_323_045, 123_999_999],
    endTime: [1_767_323_046, 0],
    status: { code: 0 },
    attributes: {
      'langfuse.observation.type': 'generation',
      'langfuse.observation.usage_details': '{"input":3,"output":4}',
      'langfuse.observation.metadata.step': 7,
      'langfuse.trace.tags': ['one', 'two'],
    },
    links: [],
    events: [],
    duration: [0, 0],
    ended: true,
    resource: { attributes: { 'service.name': 'the tests' }, merge: () => undefined },
    instrumentationScope: { name: 'test-scope' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
  const bytes = ProtobufTraceSerializer.serializeRequest([span as never]);
  return new Uint8Array(bytes ?? []);
}
