import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endEpisode } from '../../../src/db/write/episodes.ts';
import { insertLogLines } from '../../../src/db/write/logs.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { createTestApi, seedEpisode, seedStep } from './test-api.ts';
import type { Loose, TestApi } from './test-api.ts';

let api: TestApi;
let tray: Episode;
let funnel: Episode;
let other: Episode;
beforeAll(async () => {
  api = await createTestApi();
  tray = await seedEpisode(api, { task: 'Move the ball sideways into the größere tray_140.xml', tags: ['one', 'two'] });
  funnel = await seedEpisode(api, { task: 'Pour it through the narrow funnel', model: 'gpt', tags: ['two'] });
  other = await seedEpisode(api, { task: 'Something else', agent: 'single_engineer' });
  await seedStep(api, tray, { seq: 1 });
  await seedStep(api, tray, { seq: 2 });
  const steps = await api.db.selectFrom('steps').select(['id', 'seq']).where('episode_id', '=', tray.id).execute();
  await api.db
    .updateTable('steps')
    .set({ search_text: 'TypeError: mujoco.MjModel has no body "tray"' })
    .where('id', '=', steps[1]!.id)
    .execute();
  await insertLogLines(api.db, {
    episode_id: tray.id,
    step_id: steps[0]!.id,
    attempt: 1,
    lines: [
      {
        line: 3,
        stream: 'stderr',
        level: 'error',
        at: '2026-01-01T00:00:00Z',
        text: 'tray: 100%_full at /scene.xml:12',
      },
      { line: 4, stream: 'stdout', level: 'info', at: '2026-01-01T00:00:00Z', text: 'the tray is fine' },
      { line: 5, stream: 'system', level: 'warning', at: '2026-01-01T00:00:00Z', text: 'the tray is nearly full' },
    ],
  });
  const outcome = { failure_class: null, failure: null };
  await endEpisode(api.db, tray.id, { status: 'completed', terminal_reason: 'APPROVED', ...outcome });
  await endEpisode(api.db, funnel.id, {
    status: 'failed',
    terminal_reason: 'INFRA_ERROR',
    failure_class: 'INFRA_DEVOPS',
    failure: { code: 'unavailable', message: 'the gateway melted' },
  });
});
afterAll(async () => api[Symbol.asyncDispose]());

const find = async (query: string): Promise<string[]> => {
  const { items } = await api.get(`/v1/search?q=${encodeURIComponent(query)}`);
  return items.map(({ kind, seq, text }: Loose) => `${kind} ${seq ?? '-'} ${text.slice(0, 12)}`);
};

describe('search', () => {
  test('finds words by their beginnings in tasks, steps, and lines that warn or err, in that order', async () => {
    expect(await find('TRAY')).toEqual([
      'episode - Move the bal',
      'step 2 think TypeEr',
      'log 1 the tray is ',
      'log 1 tray: 100%_f',
    ]);
    expect(await find('mjmod type')).toEqual(['step 2 think TypeEr']);
    expect(await find('größ')).toEqual(['episode - Move the bal']);
    expect(await find('scene.xml:12')).toEqual(['log 1 tray: 100%_f']);
    expect(await find('gateway')).toEqual(['episode - Pour it thro']);
    expect(await find('ray')).toEqual([]);
    expect(await find(`"'\\ & | ! :* <->`)).toEqual([]);
    expect(await find(`tray' | 'funnel`)).toEqual([]);
  });

  test('answers in pages of any size, each place once, and of one kind alone', async () => {
    const all = await api.get('/v1/search?q=tray');
    const paged: Loose[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Loose = await api.get(`/v1/search?q=tray&limit=1${cursor && `&cursor=${cursor}`}`);
      paged.push(...page.items);
      cursor = page.next_cursor;
    }
    expect(paged).toEqual(all.items);
    expect((await api.get('/v1/search?q=tray&kind=step')).items).toEqual([all.items[1]]);
    expect(all.items[3]).toMatchObject({ episode_id: tray.id, seq: 1, stream_seq: expect.any(Number) });
  });

  test('within one episode’s log finds any text in any case, its wildcards taken as they are', async () => {
    const lines = async (query: string) =>
      (await api.get(`/v1/episodes/${tray.id}/logs?${query}`)).items.map(({ text }: Loose) => text);
    expect(await lines(`q=${encodeURIComponent('RAY: 100%_')}`)).toEqual(['tray: 100%_full at /scene.xml:12']);
    expect(await lines('q=_%25_')).toEqual([]);
    expect(await lines('q=tray&level=warning')).toEqual(['the tray is nearly full']);
  });
});

describe('the list of episodes', () => {
  test.each([
    ['outcome=APPROVED', ['tray']],
    ['status=failed', ['funnel']],
    ['model=gpt', ['funnel']],
    ['agent=single_engineer', ['other']],
    ['tag=two', ['funnel', 'tray']],
    ['tag=two&status=completed', ['tray']],
    ['q=narrow+fun', ['funnel']],
    ['q=melted', ['funnel']],
    ['created_from=2000-01-01T00:00:00%2B02:00', ['other', 'funnel', 'tray']],
    ['created_to=2000-01-01T00:00:00Z', []],
    ['created_from=2999-01-01t00:00:00.5z', []],
  ])('by %s holds %j', async (query, names) => {
    const known = new Map([
      [tray.id, 'tray'],
      [funnel.id, 'funnel'],
      [other.id, 'other'],
    ]);
    const { items } = await api.get(`/v1/episodes?${query}`);
    expect(items.map(({ id }: Loose) => known.get(id))).toEqual(names);
  });

  test('refuses a time that is none', async () => {
    expect((await api.call('/v1/episodes?created_from=2026-02-30T00:00:00Z')).status).toBe(400);
  });
});

test('statistics count what matches', async () => {
  const all = await api.get('/v1/statistics');
  expect(all).toMatchObject({
    episodes: 3,
    by_status: { queued: 1, completed: 1, failed: 1, cancelled: 0 },
    by_outcome: { APPROVED: 1, INFRA_ERROR: 1 },
    success_rate: 0.5,
    steps_median: 1,
    usd_sum: 0.002,
    usd_median: 0.001,
  });
  expect(all.duration_s_p95).toBeGreaterThanOrEqual(all.duration_s_p50);
  expect(await api.get('/v1/statistics?tag=none')).toMatchObject({
    episodes: 0,
    by_outcome: {},
    success_rate: null,
    usd_sum: 0,
    steps_median: null,
    duration_s_p50: null,
  });
  expect(await api.get('/v1/statistics?outcome=APPROVED')).toMatchObject({ episodes: 1, success_rate: 1 });
});
