// What others do to an episode's workflow with Temporal's own buttons runs no code of ours: the API looks from outside, and the
// record says what happened. Terminates, deletes and resets are the server's own, workers and the API are real processes.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../../src/embedded/until.ts';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { expectTrueRecord, openAlerts, stepsOf, untilRow } from '../../support/record.ts';
import { resetWorkflow } from '../../support/reset.ts';
import { startApi } from '../../support/api-process.ts';
import type { ApiProcess } from '../../support/api-process.ts';

/** Within so long of the deed the record says it. */
const SAID_MS_MAX = 60_000;

let deployment: Deployment;
let api: ApiProcess;
beforeAll(async () => {
  deployment = await createDeployment();
  await deployment.startWorker();
  api = await startApi(deployment);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await deployment[Symbol.asyncDispose]();
});

const handleOf = ({ workflow_id }: Episode) => deployment.workflows.client.workflow.getHandle(workflow_id);
const read = ({ id }: Episode) => getEpisode(deployment.database.db, id);
const untilEpisode = (episode: Episode, is: (now: Episode) => boolean) =>
  untilRow(deployment, async () => {
    const now = await read(episode);
    return is(now) ? now : undefined;
  });
const untilEnded = (episode: Episode) => untilEpisode(episode, ({ ended_at }) => ended_at !== null);
const untilStep = (episode: Episode, name: string) =>
  untilRow(deployment, async () => (await stepsOf(deployment, episode.id)).find((step) => step.name === name));

/** An episode in the middle of a command that ends by itself in five minutes only. */
async function playLong(): Promise<Episode> {
  const episode = await deployment.play([
    { calls: [call('write_file', { path: '/a.txt', content: 'kept\n' })] },
    { calls: [call('execute_command', { command: 'echo begun; sleep 300' })] },
  ]);
  await untilStep(episode, 'execute_command');
  return episode;
}

async function deleteRun(episode: Episode): Promise<void> {
  const { client } = deployment.workflows;
  await client.workflowService.deleteWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId: episode.workflow_id },
  });
}

test('a terminated episode is on record as terminated within a minute, with who did it, its open steps lost, and an alert', async () => {
  const episode = await playLong();
  await handleOf(episode).terminate('it was in the way');
  const done_ms = Date.now();
  const ended = await untilEnded(episode);
  const said_ms = Date.now() - done_ms;
  expect(said_ms).toBeLessThan(SAID_MS_MAX);
  console.log(`a terminated episode was on record after ${said_ms} ms`);
  expect(ended).toMatchObject({ status: 'stopped', terminal_reason: 'TERMINATED', failure: { code: 'aborted' } });
  expect(ended.failure?.message).toContain('it was in the way');
  expect((await stepsOf(deployment, episode.id)).map(({ status }) => status)).toEqual(['ok', 'ok', 'ok', 'lost']);
  await expectTrueRecord(deployment, episode.id);
  expect(await openAlerts(deployment, 'episode_ended_outside')).toMatchObject([{ subject: episode.id }]);
  // The trace is closed, the history kept: the same aftercare as of any end.
  await untilRow(deployment, async () => {
    const sql = `select 1 from trace_outbox where episode_id = $1 and subject = 'root'`;
    return (await deployment.database.pool.query(sql, [episode.id])).rows[0] as object | undefined;
  });
  expect((await api.run(['episodes', 'cancel', episode.id])).err).toContain('has ended');
  expect(await api.run(['episodes', 'fork', episode.id, '--step', '3'])).toMatchObject({ code: 0 });
});

test('a workflow that was deleted leaves an episode that says it is lost', async () => {
  const episode = await playLong();
  await deleteRun(episode);
  const ended = await untilEnded(episode);
  expect(ended).toMatchObject({ status: 'failed', terminal_reason: 'WORKFLOW_LOST', failure_class: 'INFRA_DEVOPS' });
  await expectTrueRecord(deployment, episode.id);
  expect((await api.run(['rewind', episode.id, '--step', '2'])).err).toContain('fork');
});

test('a terminated episode whose first step nobody began is not called queued for ever', async () => {
  const prefix = deployment.config.temporal.task_queue_prefix;
  const episode = await deployment.accept({ agent: 'single_engineer', model: 'scripted:transcript' });
  await deployment.workflows.client.workflow.start('EpisodeWorkflow', {
    workflowId: episode.workflow_id,
    taskQueue: `${prefix}nobody`,
    args: [{ episode_id: episode.id, budgets: episode.budgets, history_events_max: 4_000 }],
  });
  await handleOf(episode).terminate('never mind');
  expect(await untilEnded(episode)).toMatchObject({ status: 'stopped', terminal_reason: 'TERMINATED' });
});

test('a reset of a terminated episode opens its record again and it goes on to its end', async () => {
  const episode = await deployment.play([
    { calls: [call('write_file', { path: '/a.txt', content: 'kept\n' })] },
    { calls: [call('ask_person', { question: 'Well?' })] },
  ]);
  await untilStep(episode, 'ask_person');
  await handleOf(episode).terminate('a mistake');
  await untilEnded(episode);
  await resetWorkflow(deployment, episode, (tasks) => tasks - 1);
  const open = await untilEpisode(episode, ({ ended_at }) => ended_at === null);
  expect(open).toMatchObject({ terminal_reason: null });
  const asked = async () =>
    (await stepsOf(deployment, episode.id)).findLast(({ kind, status }) => kind === 'human' && status === 'running');
  const { seq } = await until({ what: 'the question, asked again', duration_ms_max: 60_000, attempt: asked });
  const said = ['episodes', 'answer', episode.id, 'well enough', '--step', String(seq)];
  expect(await api.run(said)).toMatchObject({ code: 0 });
  await handleOf(episode).result();
  expect(await read(episode)).toMatchObject({ status: 'completed', terminal_reason: 'APPROVED' });
  await expectTrueRecord(deployment, episode.id);
});

test('an episode that Temporal runs, and one that waits to be started, stay what they are', async () => {
  const running = await playLong();
  const unstarted = await deployment.accept({ agent: 'single_engineer', model: 'scripted' });
  const other = await playLong();
  await handleOf(other).terminate('to know when two looks are over');
  await untilEnded(other);
  expect(await read(running)).toMatchObject({ status: 'running' });
  // It may have been started by then, and have ended as it does by itself; it was never called lost.
  expect(['TERMINATED', 'WORKFLOW_LOST']).not.toContain((await read(unstarted)).terminal_reason);
  await deployment.workflows.cancelEpisode(running);
  await untilEnded(running);
});
