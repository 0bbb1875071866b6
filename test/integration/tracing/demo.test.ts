// The demo episode, told to a Langfuse stand-in by a real worker: what is there when it has ended, held against the record.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { demoRequest } from '../../../src/cli/demo-inputs.ts';
import { startCollector } from '../../../src/langfuse-stand-in/server.ts';
import type { CollectorServer } from '../../../src/langfuse-stand-in/server.ts';
import { findCoverage } from '../../../src/db/read/coverage.ts';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { listFeedback } from '../../../src/db/read/feedback.ts';
import { countOutbox } from '../../../src/db/read/trace-outbox.ts';
import { aftercareIdOf } from '../../../src/workflows/names.ts';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';

const keys = { public_key: 'pk-lf-tests', secret_key: randomBytes(12).toString('hex') };
const COMPLETE_S_MAX = 60;

let home: TestDatabase;
let collector: CollectorServer;
let deployment: Deployment;
let demo: string;

beforeAll(async () => {
  home = await createTestDatabase();
  collector = await startCollector({ databaseUrl: home.url, port: 0, keys });
  deployment = await createDeployment({
    ...inject('environment'),
    LANGFUSE_BASE_URL: collector.url,
    LANGFUSE_PUBLIC_KEY: keys.public_key,
    LANGFUSE_SECRET_KEY: keys.secret_key,
  });
  await deployment.startWorker();
  const { request, files } = await demoRequest();
  const episode = await deployment.accept(
    request,
    Object.fromEntries(files.map(({ path, content }) => [path, content])),
  );
  demo = episode.id;
  await deployment.workflows.startEpisode(episode);
  const handle = deployment.workflows.client.workflow.getHandle(episode.workflow_id);
  await handle.result();
  const { runId } = await handle.describe();
  await deployment.workflows.client.workflow.getHandle(aftercareIdOf(demo, runId)).result();
  // The whole demo, with its simulations.
}, 300_000);
afterAll(async () => {
  await deployment?.[Symbol.asyncDispose]();
  await collector[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

test(`coverage is complete within ${COMPLETE_S_MAX} s of the demo's end: history, steps, Langfuse and objects agree`, async () => {
  const episode = await getEpisode(deployment.database.db, demo);
  const report = await findCoverage(deployment.database.db, demo);
  expect(report).toMatchObject({ verdict: 'complete', finding_count: 0, findings: [] });
  const took_s = (Date.parse(report?.checked_at ?? '') - Date.parse(episode.ended_at ?? '')) / 1000;
  expect(took_s).toBeLessThan(COMPLETE_S_MAX);
  expect(report?.witnesses.history.items).toBe(episode.step_count);
  // One observation a step, and the root.
  expect(report?.witnesses.langfuse.items).toBe(episode.step_count + 1);
});

test('spans are accepted within 5 s of their step’s end (p95)', async () => {
  const { rows } = await deployment.database.pool.query<{ p95: number }>(
    `select percentile_cont(0.95) within group (order by extract(epoch from o.accepted_at - s.ended_at))::float as p95
       from trace_outbox o join steps s on s.id = o.step_id where s.episode_id = $1`,
    [demo],
  );
  expect(rows[0]?.p95).toBeLessThan(5);
});

test('what Langfuse holds has lost its bytes here, and its hash stayed', async () => {
  // The audit asks Langfuse itself; delivery sees its last spans a moment later.
  for (;;) {
    const { pending, sending, accepted } = await countOutbox(deployment.database.db, demo);
    if (pending + sending + accepted === 0) break;
  }
  const { rows } = await deployment.database.pool.query(
    `select distinct state, payload is null as let_go, payload_sha256 is not null as hash from trace_outbox where subject <> 'score'`,
  );
  expect(rows).toEqual([{ state: 'confirmed', let_go: true, hash: true }]);
});

test('the episode is scored by what happened: approved, goal reached, robustness', async () => {
  const feedback = await listFeedback(deployment.database.db, { episode_id: demo, limit: 100 });
  const scores = Object.fromEntries(feedback.map(({ name, value }) => [name, value]));
  expect(scores).toMatchObject({ approved: true, goal_reached: true, robustness: 1 });
});
