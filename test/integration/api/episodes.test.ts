import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endEpisode } from '../../../src/db/write/episodes.ts';
import { AppError } from '../../../src/errors.ts';
import { Episode } from '../../../src/schemas/episode.ts';
import { createTestApi, READER, seedEpisode, seedStep } from './test-api.ts';
import type { Loose, TestApi } from './test-api.ts';

const NO_SUCH_ID = '00000000-0000-7000-8000-000000000000';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

describe('starting an episode', () => {
  test('accepts it as queued, starts its workflow and says where its parts are', async () => {
    const answer = await api.post('/v1/episodes', { task: 'Move the ball', tags: ['new'] });
    expect(answer.status).toBe(202);
    const body = (await answer.json()) as Loose;
    expect(Episode.parse(body)).toMatchObject({ status: 'queued', task: 'Move the ball', tags: ['new'] });
    expect(answer.headers.get('location')).toBe(body.links.self);
    expect(body.links).toEqual({
      self: `http://api.test/v1/episodes/${body.id}`,
      steps: `http://api.test/v1/episodes/${body.id}/steps`,
      logs: `http://api.test/v1/episodes/${body.id}/logs`,
      artifacts: `http://api.test/v1/episodes/${body.id}/artifacts`,
      stream: `http://api.test/v1/episodes/${body.id}/stream`,
      events: `http://api.test/v1/episodes/${body.id}/events`,
      langfuse: `http://langfuse.test/project/p1/traces/${body.trace_id}`,
      temporal: `http://temporal.test/namespaces/default/workflows/episode-${body.id}`,
    });
    expect(api.started).toContain(body.id);
    expect(await api.get(`/v1/episodes/${body.id}`)).toEqual(body);
  });

  test('accepts it all the same when Temporal is away, and leaves it queued for the sweeper', async () => {
    await using away = await createTestApi({
      startEpisode: async () => {
        throw new AppError('unavailable', 'Temporal is away');
      },
    });
    const answer = await away.post('/v1/episodes', { task: 'Move the ball' });
    expect(answer.status).toBe(202);
    const { id } = (await answer.json()) as { id: string };
    expect(await away.get(`/v1/episodes/${id}`)).toMatchObject({ status: 'queued' });
    expect(away.logged.map(({ event }) => event)).toContain('episode left to the sweeper');
  });

  test('under one Idempotency-Key makes one episode, and refuses another request under it', async () => {
    const headers = { 'idempotency-key': 'once' };
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => api.post('/v1/episodes', { task: 'Once' }, headers)),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    const ids = await Promise.all(answers.map(async (answer) => ((await answer.json()) as Loose).id));
    expect(new Set(ids).size).toBe(1);
    // The first is no repeat; every other says that it is one.
    const repeats = answers.map((answer) => answer.headers.get('idempotent-replayed'));
    expect(repeats.filter((mark) => mark === null)).toHaveLength(1);
    expect(repeats.filter((mark) => mark === 'true')).toHaveLength(answers.length - 1);
    expect((await api.get('/v1/episodes?q=Once')).items).toHaveLength(1);
    const other = await api.post('/v1/episodes', { task: 'Twice' }, headers);
    expect(other.status).toBe(409);
    expect(await other.json()).toMatchObject({ type: 'urn:observatory:problem:already_exists', status: 409 });
  });

  test('without a model thinks with the one that the deployment has configured', async () => {
    await using configured = await createTestApi({ chooseModel: () => 'default' });
    const thinksWith = async (body: object) => {
      const answer = await configured.post('/v1/episodes', { task: 'Think', ...body });
      return ((await answer.json()) as Loose).model;
    };
    expect([await thinksWith({}), await thinksWith({ model: 'scripted' })]).toEqual(['default', 'scripted']);
  });

  test('is told which member is not known, how large a body may be, and which media type is taken', async () => {
    const unknown = await api.post('/v1/episodes', { task: 'x', taks: 'y' });
    expect((await unknown.json()) as Loose).toMatchObject({ errors: [{ in: 'body', pointer: '/taks' }] });
    const query = await api.call('/v1/episodes?lmit=3');
    expect((await query.json()) as Loose).toMatchObject({ errors: [{ in: 'query', pointer: '/lmit' }] });
    const large = await api.post('/v1/episodes', { task: 'x'.repeat(1_100_000) });
    expect(large.status).toBe(413);
    expect(((await large.json()) as Loose).detail).toContain(`at most ${1024 ** 2} bytes`);
    const text = await api.call('/v1/episodes', {
      method: 'POST',
      body: '{"task":"x"}',
      headers: { 'content-type': 'text/plain' },
    });
    expect(text.status).toBe(415);
    expect(((await text.json()) as Loose).detail).toContain('Content-Type: application/json');
  });

  test('names the inputs that are not stored, and takes those that are', async () => {
    const episode = await seedEpisode(api);
    await seedStep(api, episode, { seq: 1, files: [{ path: '/a.txt', content: 'an input' }] });
    const [stored] = (await api.get(`/v1/episodes/${episode.id}/artifacts`)).items;
    const inputs = [
      { path: '/a.txt', sha256: stored.sha256 },
      { path: '/b.txt', sha256: '0'.repeat(64) },
    ];
    const refused = await api.post('/v1/episodes', { task: 'With inputs', inputs });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({
      errors: [{ in: 'body', pointer: '/inputs/1/sha256', code: 'not_found' }],
    });
    const accepted = await api.post('/v1/episodes', { task: 'With inputs', inputs: inputs.slice(0, 1) });
    expect(accepted.status).toBe(202);
    expect(await accepted.json()).toMatchObject({ inputs: [{ path: '/a.txt', sha256: stored.sha256 }] });
  });

  test('refuses an agent that this deployment does not have', async () => {
    expect((await api.post('/v1/episodes', { task: 'x', agent: 'nobody' })).status).toBe(409);
  });

  test.each([
    ['no task', {}],
    ['an unknown member', { task: 'x', taks: 'hunter2' }],
    ['NUL', { task: 'a\u0000b' }],
    ['NUL deep in its metadata', { task: 'x', metadata: { a: [{ b: '\u0000' }] } }],
    ['a number that no integer column holds', { task: 'x', seed: 2 ** 31 }],
    ['a text for a number', { task: 'x', seed: '1' }],
  ])('refuses a body with %s, without repeating its values', async (_, body) => {
    const answer = await api.post('/v1/episodes', body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    const text = await answer.text();
    expect(JSON.parse(text).errors.length).toBeGreaterThan(0);
    expect(text).not.toContain('hunter2');
  });

  test.each([
    { body: '{', what: 'that is not JSON' },
    { body: Uint8Array.from([0x22, 0xff, 0x22]), what: 'that is not UTF-8' },
    { body: `${'['.repeat(20_000)}${']'.repeat(20_000)}`, what: 'that is nested 20,000 deep' },
    { body: '{"task":"\\ud800"}', what: 'with half of a surrogate pair' },
    { body: '', what: 'that is empty' },
    { body: 'task=x', what: 'of another media type', type: 'application/x-www-form-urlencoded', status: 415 },
    { body: JSON.stringify({ task: 'x'.repeat(1024 ** 2) }), what: 'of more than a mebibyte', status: 413 },
  ])('refuses a body $what', async ({ body, type = 'application/json', status = 400 }) => {
    const answer = await api.call('/v1/episodes', { method: 'POST', body, headers: { 'content-type': type } });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  test('keeps metadata as it was given; a member `__proto__`, which would be lost, is refused, and nothing inherits from it', async () => {
    const headers = { 'content-type': 'application/json' };
    const start = (metadata: string) =>
      api.call('/v1/episodes', { method: 'POST', body: `{"task":"x","metadata":${metadata}}`, headers });
    const kept = await start('{"deep":{"a":[1,null,"ä"]}}');
    expect(((await kept.json()) as Loose).metadata).toEqual({ deep: { a: [1, null, 'ä'] } });
    const refused = await start('{"__proto__":{"polluted":true}}');
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ detail: expect.stringContaining('__proto__') });
    expect(({} as Loose).polluted).toBeUndefined();
  });
});

describe('listing episodes', () => {
  test('pages from the newest to the oldest, each episode once', async () => {
    const made = [];
    for (let index = 0; index < 5; index++) made.push((await seedEpisode(api, { tags: ['paged'] })).id);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Loose = await api.get(`/v1/episodes?tag=paged&limit=2${cursor && `&cursor=${cursor}`}`);
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map(({ id }: { id: string }) => id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(made.toReversed());
  });

  test('filters by status, agent and tag', async () => {
    const { id } = await seedEpisode(api, { tags: ['ended'] });
    await endEpisode(api.db, id, {
      status: 'completed',
      terminal_reason: 'APPROVED',
      failure_class: null,
      failure: null,
    });
    expect((await api.get('/v1/episodes?status=completed&tag=ended')).items).toHaveLength(1);
    expect((await api.get('/v1/episodes?status=failed&tag=ended')).items).toHaveLength(0);
    expect((await api.get('/v1/episodes?agent=nobody')).items).toHaveLength(0);
  });

  test.each(['limit=0', 'limit=101', 'limit=0x10', 'limit=', 'cursor=x', 'sttus=queued', 'tag=%00', 'limit=1&limit=2'])(
    'refuses ?%s',
    async (query) => {
      expect((await api.call(`/v1/episodes?${query}`)).status).toBe(400);
    },
  );

  test('takes any cursor of the published pattern', async () => {
    expect((await api.call(`/v1/episodes?cursor=${'f'.repeat(32)}`)).status).toBe(200);
  });
});

describe('one episode', () => {
  test('is 404 where there is none and 400 where the id is none', async () => {
    expect((await api.call(`/v1/episodes/${NO_SUCH_ID}`)).status).toBe(404);
    expect((await api.call('/v1/episodes/nonsense')).status).toBe(400);
    for (const part of ['steps', 'logs', 'artifacts', 'steps/1'])
      expect((await api.call(`/v1/episodes/${NO_SUCH_ID}/${part}`)).status).toBe(404);
  });

  test('is cancelled by asking its workflow, once it has ended no more', async () => {
    const { id } = await seedEpisode(api);
    expect((await api.call(`/v1/episodes/${id}/cancel`, { method: 'POST' })).status).toBe(202);
    expect(api.cancelled).toContain(id);
    await endEpisode(api.db, id, {
      status: 'cancelled',
      terminal_reason: 'USER_CANCELLED',
      failure_class: null,
      failure: null,
    });
    expect((await api.call(`/v1/episodes/${id}/cancel`, { method: 'POST' })).status).toBe(409);
  });

  test('is deleted once it has ended, and not before', async () => {
    const { id } = await seedEpisode(api);
    const remove = async (key?: string) =>
      (await api.call(`/v1/episodes/${id}`, { method: 'DELETE', ...(key && { key }) })).status;
    expect(await remove()).toBe(409);
    await endEpisode(api.db, id, { status: 'failed', terminal_reason: 'TIMEOUT', failure_class: null, failure: null });
    expect(await remove(READER)).toBe(403);
    expect(api.deleted).not.toContain(id);
    expect(await remove()).toBe(202);
    expect(api.deleted).toContain(id);
    expect((await api.call(`/v1/episodes/${NO_SUCH_ID}`, { method: 'DELETE' })).status).toBe(404);
  });

  test('cannot be started or cancelled with a key that may only read', async () => {
    const { id } = await seedEpisode(api);
    const start = await api.call('/v1/episodes', { method: 'POST', key: READER });
    const cancel = await api.call(`/v1/episodes/${id}/cancel`, { method: 'POST', key: READER });
    expect([start.status, cancel.status]).toEqual([403, 403]);
    expect((await api.call(`/v1/episodes/${id}`, { key: READER })).status).toBe(200);
  });
});

describe('the parts of an episode', () => {
  let id: string;
  beforeAll(async () => {
    const episode = await seedEpisode(api);
    ({ id } = episode);
    for (let seq = 1; seq <= 5; seq++)
      await seedStep(api, episode, {
        seq,
        files: [
          { path: `/renders/${seq}.txt`, content: `picture ${seq}` },
          { path: '/plan.md', content: 'plan', role: 'input' },
        ],
      });
  });

  test('steps are listed in their order, each with the files that it read and made', async () => {
    const first = await api.get(`/v1/episodes/${id}/steps?limit=3`);
    const rest = await api.get(`/v1/episodes/${id}/steps?limit=3&cursor=${first.next_cursor}`);
    expect([...first.items, ...rest.items].map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(rest.next_cursor).toBeNull();
    const [{ artifacts, status, output }] = rest.items;
    expect({ status, output }).toEqual({ status: 'ok', output: { text: 'done' } });
    expect(artifacts.map(({ role, path }: Loose) => [role, path])).toEqual([
      ['input', '/plan.md'],
      ['output', '/renders/4.txt'],
    ]);
    const { sha256, uri, href } = artifacts[1];
    expect(uri).toBe(`s3://${api.store.bucket}/sha256/${sha256.slice(0, 2)}/${sha256}`);
    expect(await (await api.call(href)).text()).toBe('picture 4');
  });

  test('once an episode is gone its steps are not found, also by a process that has listed them before', async () => {
    const gone = await seedEpisode(api, { task: 'gone' });
    await seedStep(api, gone, { seq: 1 });
    expect((await api.get(`/v1/episodes/${gone.id}/steps`)).items).toHaveLength(1);
    await api.db.deleteFrom('episodes').where('id', '=', gone.id).execute();
    expect((await api.call(`/v1/episodes/${gone.id}/steps`)).status).toBe(404);
  });

  test('a step is read with its tries', async () => {
    const step = await api.get(`/v1/episodes/${id}/steps/2`);
    expect(step).toMatchObject({
      seq: 2,
      attempt_count: 1,
      attempts: [{ attempt: 1, status: 'ok', worker: 'worker-1' }],
    });
    expect(step.artifacts).toHaveLength(2);
    expect((await api.call(`/v1/episodes/${id}/steps/6`)).status).toBe(404);
    expect((await api.call(`/v1/episodes/${id}/steps/0`)).status).toBe(400);
    expect((await api.call(`/v1/episodes/${id}/steps/2147483648`)).status).toBe(400);
  });

  test('log lines come in their order, by step and stream if asked, and can be followed until the episode ends', async () => {
    const all: string[] = [];
    let cursor = '';
    for (let page = 0; page < 3; page++) {
      const { items, next_cursor } = await api.get(`/v1/episodes/${id}/logs?limit=4${cursor && `&cursor=${cursor}`}`);
      all.push(...items.map(({ text }: { text: string }) => text));
      cursor = next_cursor;
    }
    expect(all).toEqual([1, 2, 3, 4, 5].flatMap((seq) => [1, 2].map((line) => `line ${line} of step ${seq}`)));
    expect(await api.get(`/v1/episodes/${id}/logs?cursor=${cursor}`)).toEqual({ items: [], next_cursor: cursor });
    const some = await api.get(`/v1/episodes/${id}/logs?seq=3&stream=stderr`);
    expect(some.items).toMatchObject([{ seq: 3, stream: 'stderr', text: 'line 2 of step 3' }]);
    await endEpisode(api.db, id, { status: 'failed', terminal_reason: 'TIMEOUT', failure_class: null, failure: null });
    expect(await api.get(`/v1/episodes/${id}/logs?cursor=${cursor}`)).toEqual({ items: [], next_cursor: null });
  });

  test('files are paged over all steps, by kind and role if asked', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Loose = await api.get(`/v1/episodes/${id}/artifacts?limit=3${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.items.map(({ seq, path }: Loose) => `${seq} ${path}`));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual([1, 2, 3, 4, 5].flatMap((seq) => [`${seq} /plan.md`, `${seq} /renders/${seq}.txt`]));
    expect((await api.get(`/v1/episodes/${id}/artifacts?role=input`)).items).toHaveLength(5);
    expect((await api.get(`/v1/episodes/${id}/artifacts?kind=VIDEO`)).items).toHaveLength(0);
    expect((await api.call(`/v1/episodes/${id}/artifacts?cursor=7fffffff1ff00`)).status).toBe(200);
  });
});
