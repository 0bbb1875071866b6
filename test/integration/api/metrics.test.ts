// What operators look at: the figures that Prometheus scrapes, and the alerts that stand.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAlerts } from '../../../src/alerts/alerts.ts';
import { insertCoverage } from '../../../src/db/write/coverage.ts';
import { createTestApi, seedEpisode, seedStep } from './test-api.ts';
import type { TestApi } from './test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
  const episode = await seedEpisode(api);
  for (const seq of [1, 2]) await seedStep(api, episode, { seq });
  await api.database.client.pool.query(
    `update episodes set status = 'completed', ended_at = clock_timestamp() where id = $1`,
    [episode.id],
  );
  const asked = { asked: true, items: 2, reason: null };
  await insertCoverage(api.db, {
    episode_id: episode.id,
    verdict: 'incomplete',
    witnesses: { history: asked, steps: asked, langfuse: asked, objects: asked },
    counts: { expected: 4, confirmed: 3, missing: 1, doubled: 0, orphaned: 0, wrongly_typed: 0, damaged: 0 },
    finding_count: 1,
    findings: [],
  });
  const alerts = createAlerts({ db: api.db, webhook: null, now: () => new Date(), log: () => {} });
  await alerts.raise({ name: 'recovery', message: 'Recovery is stale', facts: { status: 'stale' } });
  await alerts.raise({ name: 'langfuse_unwelcome', message: 'no', facts: {} });
  await alerts.clear('langfuse_unwelcome');
});
afterAll(() => api?.[Symbol.asyncDispose]());

const scrape = async () => {
  const answer = await api.call('/metrics', { key: '' });
  const figures = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { answer, figures };
};

test('figures of the record are those of the moment, in the text format that Prometheus reads', async () => {
  const { answer, figures } = await scrape();
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(figures).toEqual(
    expect.arrayContaining([
      'observatory_database_up 1',
      'observatory_episodes{status="completed"} 1',
      'observatory_episodes{status="failed"} 0',
      'trace_coverage_ratio 0.75',
      'trace_coverage_episodes{verdict="incomplete"} 1',
      'trace_outbox_depth{state="pending"} 2',
      'observatory_alerts{name="recovery"} 1',
      'observatory_recovery_status{status="never"} 1',
    ]),
  );
  expect(figures.some((line) => /^trace_outbox_oldest_seconds \d/.test(line))).toBe(true);
  // There is no restore point yet: no age of one, rather than 0.
  expect(figures.some((line) => line.startsWith('observatory_restore_point_age_seconds'))).toBe(false);
});

test('requests are counted by route, not by path, and what no route serves is one', async () => {
  const [first] = await api.get('/v1/episodes').then(({ items }) => items);
  for (const path of [`/v1/episodes/${first.id}`, '/nowhere', '/v1/nothing/here']) await api.call(path);
  const { figures } = await scrape();
  expect(figures).toContain('http_requests_total{method="GET",route="/v1/episodes/:id",status="200"} 1');
  expect(figures).toContain('http_requests_total{method="GET",route="unmatched",status="404"} 2');
  expect(figures.some((line) => line.includes(first.id))).toBe(false);
  expect(figures.some((line) => line.startsWith('http_request_duration_seconds_bucket{le="0.5"'))).toBe(true);
});

test('without the database the process still tells its own figures, and that the database is away', async () => {
  const away = await createTestApi();
  try {
    await away.database.client.pool.query('alter table episodes rename to elsewhere');
    const text = await (await away.call('/metrics', { key: '' })).text();
    expect(text).toContain('observatory_database_up 0');
    expect(text).not.toContain('trace_coverage_ratio');
  } finally {
    await away[Symbol.asyncDispose]();
  }
});

test('alerts are listed while they stand, and all of them when asked', async () => {
  const { items } = await api.get('/v1/alerts');
  expect(items).toMatchObject([{ name: 'recovery', times: 1, cleared_at: null, facts: { status: 'stale' } }]);
  const { items: page, next_cursor } = await api.get('/v1/alerts?state=all&limit=1');
  expect(page).toMatchObject([{ name: 'langfuse_unwelcome', cleared_at: expect.any(String) }]);
  const rest = await api.get(`/v1/alerts?state=all&cursor=${next_cursor}`);
  expect(rest).toMatchObject({ items: [{ name: 'recovery' }], next_cursor: null });
  expect((await api.call('/v1/alerts', { key: '' })).status).toBe(401);
});
