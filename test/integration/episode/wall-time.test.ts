// What spends an episode's wall time, on real servers and real worker processes: its steps' work and the time that their models
// make them wait, and not the time in which workers are away.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { getStepDetail } from '../../../src/db/read/steps.ts';
import { Budgets } from '../../../src/schemas/episode.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { startModelServer } from '../../support/model-server.ts';
import type { Reply } from '../../support/model-server.ts';
import { expectTrueRecord, stepsOf, untilRow } from '../../support/record.ts';

let deployment: Deployment;
beforeAll(async () => {
  deployment = await createDeployment();
});
afterEach(() => deployment.killWorkers());
afterAll(() => deployment[Symbol.asyncDispose]());

const within = (wall_s: number) => ({ budgets: Budgets.parse({ wall_s }) });

async function end({ id, workflow_id }: Episode): Promise<Episode> {
  await deployment.workflows.client.workflow.getHandle(workflow_id).result();
  await expectTrueRecord(deployment, id);
  return getEpisode(deployment.database.db, id);
}

/** Plays an episode of this wall time whose model gives these answers; resolves with how it ended. */
async function playWithModel(replies: Reply[], wall_s: number): Promise<Episode> {
  await using server = await startModelServer(replies);
  await deployment.startWorker({ MODEL_BASE_URL: server.base_url, MODEL_NAME: 'oracle' });
  const episode = await deployment.accept({ agent: 'single_engineer', model: 'default', ...within(wall_s) });
  await deployment.workflows.startEpisode(episode);
  return await end(episode); // before the server goes
}

const busy = (retry_after_s: number): Reply => ({
  fault: { status: 429, headers: { 'retry-after': String(retry_after_s) }, body: { error: { message: 'busy' } } },
});
const LOOK: Reply = { calls: [{ name: 'list_files', args: {} }] };
const OUT_OF_TIME = { status: 'stopped', terminal_reason: 'TIMEOUT', failure_class: 'AGENT_QUALITY' };

test('a worker that is away for longer than all of its wall time costs an episode nothing of it', async () => {
  const worker = await deployment.startWorker();
  const wall_s = 5;
  const episode = await deployment.play(
    [{ calls: [call('execute_command', { command: 'echo started; sleep 0.5' })] }],
    within(wall_s),
  );
  await untilRow(deployment, async () => {
    const text = "select 1 from execution_logs where episode_id = $1 and text = 'started'";
    return (await deployment.database.pool.query(text, [episode.id])).rows[0] as object | undefined;
  });
  await worker.kill(); // its heartbeats are missed after six seconds
  await deployment.startWorker();
  const { terminal_reason, started_at, ended_at } = await end(episode);
  expect(terminal_reason).toBe('APPROVED');
  expect(Date.parse(ended_at ?? '') - Date.parse(started_at ?? '')).toBeGreaterThan(wall_s * 1000);
});

test('a model that does not answer is left when the wall time is up, and the episode stops', async () => {
  const episode = await playWithModel([{ text: 'I think', fault: 'hang' }], 1);
  expect(episode).toMatchObject({ ...OUT_OF_TIME, failure: { message: 'used all of its 1 seconds' } });
  const { status, error, attempts } = await getStepDetail(deployment.database.db, episode.id, 1);
  expect({ status, code: error?.code }).toEqual({ status: 'error', code: 'deadline_exceeded' });
  expect(attempts).toHaveLength(1);
  expect(attempts[0]?.worked_ms).toBeGreaterThanOrEqual(1_000);
});

test('the time that a model asks to be left alone is spent, and no more of it is waited than there is', async () => {
  const episode = await playWithModel([busy(2), LOOK, busy(2), LOOK], 4);
  expect(episode).toMatchObject(OUT_OF_TIME);
  const steps = await stepsOf(deployment, episode.id);
  expect(steps.map(({ name, status }) => [name, status])).toEqual([
    ['think', 'ok'],
    ['list_files', 'ok'],
    ['think', 'error'],
  ]);
  expect(steps[2]?.error?.message).toMatch(/answered 429.*busy.*no time is left of budgets.wall_s to wait for it/);
});
