// People step in while an episode runs: they pause it, talk to its agents, answer, approve and decline. All of it is on record,
// and none of it needs a worker to be there meanwhile.
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { buildWorkflowBundle } from '../../../src/runtime/temporal/workflow-bundle.ts';
import type { Episode, EpisodeStatus } from '../../../src/schemas/episode.ts';
import type { ToolOutput } from '../../../src/schemas/step.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { expectTrueRecord, stepsOf, untilRow } from '../../support/record.ts';
import { answerStep, pauseEpisode, sendMessage } from '../../support/people.ts';

let deployment: Deployment;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  deployment = await createDeployment();
});
afterEach(() => deployment.killWorkers());
afterAll(() => deployment[Symbol.asyncDispose]());

const ended = ({ workflow_id }: Episode) => deployment.workflows.client.workflow.getHandle(workflow_id).result();

const untilStatus = ({ id }: Episode, status: EpisodeStatus) =>
  untilRow(deployment, async () => {
    const episode = await getEpisode(deployment.database.db, id);
    return episode.status === status ? episode : undefined;
  });

/** The step that waits for a person, once there is one. */
const untilAsked = ({ id }: Episode) =>
  untilRow(deployment, async () =>
    (await stepsOf(deployment, id)).find(({ kind, status }) => kind === 'human' && status === 'running'),
  );

const answer = (episode: Episode, step: number, said: { approve: boolean; text: string }) =>
  answerStep(deployment, episode, { step, ...said });

async function expectApproved(episode: Episode): Promise<void> {
  await ended(episode);
  expect(await getEpisode(deployment.database.db, episode.id)).toMatchObject({ terminal_reason: 'APPROVED' });
  await expectTrueRecord(deployment, episode.id);
}

const human = async ({ id }: Episode) => (await stepsOf(deployment, id)).filter(({ kind }) => kind === 'human');

test('a person pauses, steers and resumes an episode over a worker restart', async () => {
  const worker = await deployment.startWorker();
  const episode = await deployment.play([
    { text: 'one', thinking_ms: 300, calls: [call('list_files', {})] },
    { text: 'two', calls: [call('list_files', {})] },
  ]);
  await untilRow(deployment, async () => (await stepsOf(deployment, episode.id))[0]);
  await pauseEpisode(deployment, episode, { text: 'lunch' });
  await untilStatus(episode, 'paused');
  const message = { id: randomUUID(), author: 'ada', text: 'mind the corridor' };
  await sendMessage(deployment, episode, message);
  await sendMessage(deployment, episode, message); // said twice, heard once
  await worker.kill();
  await deployment.startWorker();
  await deployment.workflows.resumeEpisode(episode, { author: 'ada' });
  await expectApproved(episode);
  expect((await human(episode)).map(({ name, input, output }) => ({ name, input, output }))).toEqual([
    {
      name: 'pause',
      input: { author: 'ada', text: 'lunch' },
      output: { content: 'resumed', result: { author: 'ada' } },
    },
    {
      name: 'message',
      input: { author: 'ada', text: 'mind the corridor' },
      output: { content: 'mind the corridor', result: { author: 'ada' } },
    },
  ]);
});

test('a question waits for its answer, which the agent hears; an answer that nobody waits for is refused', async () => {
  await deployment.startWorker();
  const episode = await deployment.play([
    { text: 'I ask.', calls: [call('ask_person', { question: 'Which servo?', choices: ['DS3218', 'MG996R'] })] },
  ]);
  const { seq, input } = await untilAsked(episode);
  expect(input).toEqual({ question: 'Which servo?', choices: ['DS3218', 'MG996R'] });
  await untilStatus(episode, 'waiting');
  await expect(answer(episode, seq + 1, { approve: true, text: '' })).rejects.toMatchObject({
    code: 'failed_precondition',
  });
  await answer(episode, seq, { approve: true, text: 'DS3218' });
  await expectApproved(episode);
  expect((await human(episode))[0]).toMatchObject({ name: 'ask_person', status: 'ok', output: { content: 'DS3218' } });
  await expect(answer(episode, seq, { approve: true, text: '' })).rejects.toMatchObject({
    code: 'failed_precondition',
  });
});

test('an approval is waited for while every worker is away, and for an hour: the budget of time stands still meanwhile', async () => {
  const worker = await deployment.startWorker();
  const budgets = { steps: 100, tokens: 1_000, usd: 1, wall_s: 600 };
  const episode = await deployment.play([{ calls: [call('execute_command', { command: 'echo allowed' })] }], {
    approvals: { execute_command: 'ask' },
    budgets,
  });
  const { seq, input } = await untilAsked(episode);
  expect(input).toEqual({ tool: 'execute_command', args: { command: 'echo allowed' } });
  await worker.kill();
  await deployment.startWorker();
  await answer(episode, seq, { approve: true, text: 'go on' });
  await expectApproved(episode);
  expect((await human(episode))[0]).toMatchObject({ name: 'approval', status: 'ok' });
  expect((await stepsOf(deployment, episode.id))[seq]).toMatchObject({ name: 'execute_command', status: 'ok' });
  // The only clock on this path is the history's. With an hour put in where the person was waited for it replays to the same end,
  // and so it does with one in which servers were away: the budget of ten minutes is spent by what attempts worked, on record.
  const handle = deployment.workflows.client.workflow.getHandle(episode.workflow_id);
  const { codePath } = await buildWorkflowBundle(deployment.config.cache);
  const replayWithAnHourBefore = async (is: (event: HistoryEvent) => boolean) =>
    Worker.runReplayHistory(
      { workflowBundle: { codePath } },
      withAnHourBefore(await handle.fetchHistory(), is),
      episode.workflow_id,
    );
  const { events } = await handle.fetchHistory();
  expect(events?.filter(({ timerStartedEventAttributes: timer }) => timer)).toEqual([]);
  await replayWithAnHourBefore((event) => Boolean(event.workflowExecutionUpdateAcceptedEventAttributes));
  await replayWithAnHourBefore((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'advance');
});

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];

/** The history as it would be had the workflow task before the last such event come an hour later. */
function withAnHourBefore(history: History, is: (event: HistoryEvent) => boolean): History {
  const events = history.events ?? [];
  const place = events.findLastIndex(is);
  const from = events.findLastIndex((event, index) => index < place && event.workflowTaskScheduledEventAttributes);
  for (const { eventTime } of events.slice(from))
    if (eventTime) eventTime.seconds = eventTime.seconds?.add(3_600) ?? null;
  return history;
}

test('an answer under the id of a message is an answer all the same', async () => {
  await deployment.startWorker();
  const episode = await deployment.play([{ calls: [call('ask_person', { question: 'Which servo?' })] }]);
  const { seq } = await untilAsked(episode);
  const said = { id: randomUUID(), author: 'ada', text: 'the small one' };
  await sendMessage(deployment, episode, said);
  await answerStep(deployment, episode, { ...said, step: seq });
  await expectApproved(episode);
  expect((await human(episode)).map(({ name, output }) => [name, (output as ToolOutput).content])).toEqual([
    ['ask_person', said.text],
    ['message', said.text],
  ]);
});

test('a call that is declined is a result for the agent, and never runs; a refused tool is not there at all', async () => {
  await deployment.startWorker();
  const episode = await deployment.play(
    [
      { calls: [call('execute_command', { command: 'touch ran.txt' })] },
      { calls: [call('grep', { pattern: 'x' }), call('read_file', { path: '/ran.txt' })] },
    ],
    { approvals: { execute_command: 'ask', grep: 'never' } },
  );
  const { seq } = await untilAsked(episode);
  await answer(episode, seq, { approve: false, text: 'too dangerous' });
  await expectApproved(episode);
  const steps = await stepsOf(deployment, episode.id);
  expect(steps[seq]).toMatchObject({
    status: 'error',
    error: { code: 'permission_denied', message: 'ada declined this call: too dangerous' },
  });
  expect(steps.find(({ name }) => name === 'grep')?.error?.message).toMatch(/^there is no tool "grep"/);
  expect(steps.find(({ name }) => name === 'read_file')).toMatchObject({
    status: 'error',
    error: { code: 'not_found' },
  });
});

test('an episode that waits for a person can be cancelled', async () => {
  await deployment.startWorker();
  const episode = await deployment.play([{ calls: [call('ask_person', { question: 'Well?' })] }]);
  await untilAsked(episode);
  await deployment.workflows.cancelEpisode(episode);
  await expect(ended(episode)).rejects.toThrow(/cancelled/i);
  expect(await getEpisode(deployment.database.db, episode.id)).toMatchObject({ status: 'cancelled' });
  expect((await human(episode))[0]).toMatchObject({ status: 'cancelled' });
  await expectTrueRecord(deployment, episode.id);
});
