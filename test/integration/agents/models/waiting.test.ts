// How an endpoint that is away or busy is waited for: for as long as is configured, and meanwhile everybody is told what for.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { getEpisode } from '../../../../src/db/read/episodes.ts';
import { getStepDetail } from '../../../../src/db/read/steps.ts';
import { listWaiting } from '../../../../src/db/read/waiting.ts';
import type { Episode } from '../../../../src/schemas/episode.ts';
import { startApi } from '../../../support/api-process.ts';
import { createDeployment } from '../../../support/deployment.ts';
import type { Deployment } from '../../../support/deployment.ts';
import { startModelServer } from '../../../support/model-server.ts';
import type { Reply } from '../../../support/model-server.ts';
import { expectTrueRecord, untilRow } from '../../../support/record.ts';

const AWAY: Reply = { fault: { status: 503, body: { error: { message: 'no capacity' } } } };
const BUSY: Reply = {
  fault: { status: 429, headers: { 'retry-after': '600' }, body: { error: { message: 'too many requests' } } },
};

let deployment: Deployment;
beforeAll(async () => {
  deployment = await createDeployment();
});
afterEach(() => deployment.killWorkers());
afterAll(() => deployment[Symbol.asyncDispose]());

async function start(base_url: string, settings: Record<string, string>): Promise<Episode> {
  await deployment.startWorker({ MODEL_BASE_URL: base_url, MODEL_NAME: 'oracle', ...settings });
  const episode = await deployment.accept({ agent: 'single_engineer', model: 'default' });
  await deployment.workflows.startEpisode(episode);
  return episode;
}

test('one that stays away is tried until its time is up, and the episode says how long that was', async () => {
  await using server = await startModelServer(Array.from({ length: 20 }, () => AWAY));
  const { id, workflow_id } = await start(server.base_url, { MODEL_WAIT_S: '3' });
  await expect(deployment.workflows.client.workflow.getHandle(workflow_id).result()).rejects.toThrow();
  const episode = await getEpisode(deployment.database.db, id);
  expect(episode).toMatchObject({
    status: 'failed',
    terminal_reason: 'MODEL_ENDPOINT_UNAVAILABLE',
    failure_class: 'MODEL_ENDPOINT',
  });
  expect(episode.failure?.message).toMatch(
    /answered 503: no capacity \(waited for it \d of at most 3 s, in \d tries\)/,
  );
  const { attempts } = await getStepDetail(deployment.database.db, id, 1);
  expect(attempts.length).toBe(server.requests.length);
  expect(attempts.length).toBeGreaterThan(1);
  await expectTrueRecord(deployment, id);
});

test('while it is waited for, record, API, command line, doctor and Temporal say what for, and a cancel ends it', async () => {
  await using server = await startModelServer([BUSY]);
  const { id, workflow_id } = await start(server.base_url, { MODEL_WAIT_S: '1800' });
  const [waiting] = await untilRow(deployment, async () => {
    const found = await listWaiting(deployment.database.db, id);
    return found.length > 0 ? found : undefined;
  });
  expect(waiting).toMatchObject({ episode_id: id, seq: 1, model: 'oracle', attempt: 1 });
  expect(waiting?.reason).toContain('answered 429: too many requests');
  expect(Date.parse(waiting?.next_try_at ?? '') - Date.now()).toBeGreaterThan(500_000);

  await using api = await startApi(deployment);
  const headers = { authorization: `Bearer ${api.env['OBSERVATORY_API_KEY']}` };
  const answer = await fetch(`${api.env['OBSERVATORY_URL']}/v1/episodes/${id}`, { headers });
  expect(await answer.json()).toMatchObject({ waiting_for: { seq: 1, attempt: 1, reason: waiting?.reason } });
  const shown = await api.run(['episodes', 'show', id]);
  expect(shown.out).toContain('too many requests');
  const examined = await api.run(['doctor', '--json'], deployment.env);
  expect(examined.out).toContain('too many requests');

  const handle = deployment.workflows.client.workflow.getHandle(workflow_id);
  const { raw } = await handle.describe();
  expect(raw.pendingActivities?.[0]?.lastFailure?.message).toContain('too many requests');
  await deployment.workflows.cancelEpisode(await getEpisode(deployment.database.db, id));
  await expect(handle.result()).rejects.toThrow(/cancelled/i);
  expect(await getEpisode(deployment.database.db, id)).toMatchObject({ terminal_reason: 'USER_CANCELLED' });
  await expectTrueRecord(deployment, id);
}, 60_000);
