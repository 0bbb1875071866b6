// What goes wrong around an episode, made by killing, limiting and cancelling real processes; kills at exact moments are in
// kills.test.ts.
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { insertArtifact } from '../../../src/db/append/artifacts.ts';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { getStepDetail, listSteps } from '../../../src/db/read/steps.ts';
import { until } from '../../../src/embedded/until.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { openGates } from '../../support/gate.ts';
import { expectTrueRecord, stepsOf, untilRow } from '../../support/record.ts';
import { resetWorkflow } from '../../support/reset.ts';
import { BENCHMARK_YAML, SCENE } from '../../support/synthetic.ts';
import { openWay } from '../../support/way.ts';
import { startApi } from '../../support/api-process.ts';
import type { ApiProcess } from '../../support/api-process.ts';
import { pauseEpisode } from '../../support/people.ts';

const run = promisify(execFile);

let deployment: Deployment;
beforeAll(async () => {
  deployment = await createDeployment();
});
afterEach(() => deployment.killWorkers());
afterAll(() => deployment[Symbol.asyncDispose]());

const ended = ({ workflow_id }: Episode) => deployment.workflows.client.workflow.getHandle(workflow_id).result();

const statuses = async (episode: Episode, seq: number) =>
  (await getStepDetail(deployment.database.db, episode.id, seq)).attempts.map(({ status }) => status);

async function expectApproved(episode: Episode): Promise<void> {
  expect(await getEpisode(deployment.database.db, episode.id)).toMatchObject({ terminal_reason: 'APPROVED' });
  await expectTrueRecord(deployment, episode.id);
}

/** Resolves when step `seq` has logged this text. */
const logged = ({ id }: Episode, text: string) =>
  untilRow(deployment, async () => {
    const found = await deployment.database.pool.query(
      'select 1 from execution_logs where episode_id = $1 and text = $2',
      [id, text],
    );
    return found.rows[0] as object | undefined;
  });

test('a worker killed in the middle of a tool call: the next one rebuilds the workspace and does the call again', async () => {
  const worker = await deployment.startWorker();
  const episode = await deployment.play([
    { calls: [call('write_file', { path: '/a.txt', content: 'kept\n' })] },
    { calls: [call('execute_command', { command: 'cat a.txt; echo half > b.txt; echo started; sleep 2; echo done' })] },
    { calls: [call('read_file', { path: '/b.txt' })] },
  ]);
  await logged(episode, 'started');
  await worker.kill();
  await deployment.startWorker();
  await ended(episode);
  await expectApproved(episode);
  expect(await statuses(episode, 4)).toEqual(['lost', 'ok']);
  const { rows } = await deployment.database.pool.query<{ attempt: number; text: string }>(
    `select attempt, text from execution_logs l join steps s on s.id = l.step_id where l.episode_id = $1 and s.seq = 4 order by stream_seq`,
    [episode.id],
  );
  const ofAttempt = (attempt: number) => rows.filter((row) => row.attempt === attempt).map(({ text }) => text);
  expect(ofAttempt(1)).toEqual([
    expect.stringMatching(/^\$ cat/),
    'kept',
    'started',
    expect.stringMatching(/^attempt 1 was lost/),
  ]);
  expect(ofAttempt(2)).toEqual([expect.stringMatching(/^\$ cat/), 'kept', 'started', 'done', 'exit code 0']);
});

test('a cancel ends a thought, a command with all it started, a simulation and a pause, and the record says so', async () => {
  await deployment.startWorker();
  const marker = `29${process.pid}.25`; // seconds that no other sleep of this machine has
  const thinking = await deployment.play([{ thinking_ms: 300_000 }]);
  const commanding = await deployment.play([
    {
      calls: [
        call('execute_command', {
          command: `setsid sleep ${marker} & trap "" TERM; echo started; sleep ${marker}; echo on`,
        }),
        call('write_file', { path: '/never', content: '' }),
      ],
    },
  ]);
  const pausing = await deployment.play([{ thinking_ms: 300 }, {}]);
  await pauseEpisode(deployment, pausing, { text: 'lunch' });
  await untilRow(deployment, async () => {
    const { status } = await getEpisode(deployment.database.db, pausing.id);
    return status === 'paused' ? true : undefined;
  });
  await logged(commanding, 'started');
  expect(await listCommands(marker)).not.toEqual([]);
  const simulating = await deployment.play(
    [{ calls: [call('write_file', { path: '/scene.xml', content: SCENE })] }, { calls: [call('simulate', {})] }],
    {},
    { '/benchmark_definition.yaml': BENCHMARK_YAML },
  );
  await logged(simulating, 'simulating /scene.xml with seed 0');
  const asked_ms = Date.now();
  for (const episode of [simulating, thinking, commanding, pausing]) await deployment.workflows.cancelEpisode(episode);
  for (const [episode, statuses] of [
    [simulating, ['ok', 'ok', 'ok', 'cancelled']],
    [thinking, ['cancelled']],
    [commanding, ['ok', 'cancelled', 'cancelled']],
    [pausing, ['cancelled']],
  ] as const) {
    await expect(ended(episode)).rejects.toThrow(/cancelled/i);
    const outcome = { status: 'cancelled', terminal_reason: 'USER_CANCELLED' };
    expect(await getEpisode(deployment.database.db, episode.id)).toMatchObject(outcome);
    await expectTrueRecord(deployment, episode.id);
    const steps = await stepsOf(deployment, episode.id);
    expect(steps.slice(-statuses.length).map(({ status }) => status)).toEqual(statuses);
  }
  expect(await listCommands(marker)).toEqual([]);
  const simulation = (await stepsOf(deployment, simulating.id)).at(-1);
  expect(Date.parse(simulation?.ended_at ?? '') - asked_ms).toBeLessThan(SIMULATION_STOP_MS_MAX);
});

test('a cancel that comes while a question is being opened ends the question too', async () => {
  await deployment.startWorker();
  await using gates = await openGates(deployment);
  const opening = await gates.set({ on: 'episodes', before: 'update', when: `new.status = 'waiting'` });
  const episode = await deployment.play([{ calls: [call('ask_person', { question: 'Well?' })] }]);
  await opening.reached();
  await deployment.workflows.cancelEpisode(episode);
  const { client } = deployment.workflows;
  await until({
    what: 'the cancel of the activity that opens the question',
    duration_ms_max: 60_000,
    attempt: async () => {
      const { raw } = await client.workflow.getHandle(episode.workflow_id).describe();
      return raw.pendingActivities?.some(({ state }) => Number(state) === CANCEL_REQUESTED) ? true : undefined;
    },
  });
  await opening.open();
  await expect(ended(episode)).rejects.toThrow(/cancelled/i);
  await expectTrueRecord(deployment, episode.id);
  expect((await stepsOf(deployment, episode.id)).map(({ status }) => status)).toEqual(['ok', 'cancelled']);
});

/** `PENDING_ACTIVITY_STATE_CANCEL_REQUESTED` of Temporal's API. */
const CANCEL_REQUESTED = 3;

/** A simulation stops within a second; a loaded machine of two cores gets more. */
const SIMULATION_STOP_MS_MAX = 5_000;

/** The command lines of this machine's processes that hold this text. */
async function listCommands(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''); // it has ended meanwhile
    if (line.includes(text)) found.push(line);
  }
  return found;
}

test('connections that are cut while a checkpoint is written: the worker lives, and no thought is had again', async () => {
  const worker = await deployment.startWorker();
  await using gates = await openGates(deployment);
  const cuts = [];
  for (const on of ['langgraph.checkpoint_writes', 'langgraph.checkpoints'] as const) {
    const lines = [{ calls: [call('list_files', {})] }, { calls: [call('list_files', {})] }];
    const episode = await deployment.rehearse(lines);
    const when = `new.thread_id like '${episode.id}.%'
      and exists (select from steps where episode_id = '${episode.id}' and seq = 3 and status = 'ok')`;
    cuts.push({ episode, gate: await gates.set({ on, before: 'insert', when }) });
  }
  for (const { episode } of cuts) await deployment.workflows.startEpisode(episode);
  for (const { gate } of cuts) {
    await gate.reached();
    await gate.cut();
    await gate.open();
  }
  for (const { episode } of cuts) {
    await ended(episode);
    await expectApproved(episode);
    expect(await statuses(episode, 3)).toEqual(['ok']);
  }
  expect(process.kill(worker.pid, 0)).toBe(true);
});

test('a disk that is full is waited for: the worker lives, and the call is done when there is room again', async () => {
  const worker = await deployment.startWorker();
  const limit = (bytes: number | 'unlimited') =>
    run('prlimit', [`--fsize=${bytes}:unlimited`, '--pid', `${worker.pid}`]);
  await limit(64 * 1024);
  const episode = await deployment.rehearse(
    [{ calls: [call('list_files', {})] }],
    {},
    { '/big.bin': 'x'.repeat(1_000_000) },
  );
  await deployment.workflows.startEpisode(episode);
  const attempts = async () =>
    (await getStepDetail(deployment.database.db, episode.id, 2).catch(() => null))?.attempts ?? [];
  await untilRow(deployment, async () => ((await attempts()).length > 1 ? true : undefined));
  expect((await attempts())[0]).toMatchObject({ status: 'error', error: { code: 'unavailable', message: /EFBIG/ } });
  await limit('unlimited');
  await ended(episode);
  await expectApproved(episode);
  expect((await attempts()).at(-1)).toMatchObject({ status: 'ok', worker: (await attempts())[0]?.worker });
});

test('a call that was given up for good is a failed step with its cause, and so are the episode and the calls after it', async () => {
  await deployment.startWorker();
  const episode = await deployment.rehearse([
    { calls: [call('write_file', { path: '/a', content: '' }), call('list_files', {})] },
  ]);
  const lost = 'f'.repeat(64);
  await deployment.database.pool.query(
    `update episodes set inputs = inputs || jsonb_build_array(jsonb_build_object('path', '/lost.txt', 'sha256', $2::text)) where id = $1`,
    [episode.id, lost],
  );
  await deployment.workflows.startEpisode(episode);
  await expect(ended(episode)).rejects.toThrow(/failed/i);
  const error = { code: 'data_loss', message: `the input /lost.txt (sha256 ${lost}) is missing from the object store` };
  expect(await getEpisode(deployment.database.db, episode.id)).toMatchObject({
    status: 'failed',
    terminal_reason: 'SYSTEM_TOOL_RETRY_EXHAUSTED',
    failure: error,
  });
  expect(await stepsOf(deployment, episode.id)).toMatchObject([
    { status: 'ok' },
    { status: 'error', error },
    { status: 'error', error },
  ]);
  expect((await getStepDetail(deployment.database.db, episode.id, 2)).attempts).toMatchObject([
    { status: 'error', error },
  ]);
  await expectTrueRecord(deployment, episode.id);
});

test('a workflow that is reset after its end leaves a true record: a new run takes the line over from there on', async () => {
  await deployment.startWorker();
  const episode = await deployment.play([
    { calls: [call('write_file', { path: '/a.txt', content: 'a\n' })] },
    { calls: [call('execute_command', { command: 'cat a.txt; echo b >> a.txt' })] },
    { calls: [call('read_file', { path: '/a.txt' })] },
  ]);
  await ended(episode);
  const before = await stepsOf(deployment, episode.id);
  await resetWorkflow(deployment, episode, (tasks) => Math.floor(tasks / 2));
  await ended(episode);
  await expectApproved(episode);
  const after = await stepsOf(deployment, episode.id);
  const said = (steps: typeof after) => steps.map(({ name, output }) => ({ name, output }));
  expect(said(after)).toEqual(said(before)); // the workspace was as it had been at that step
  const runs = [...new Set(after.map(({ run_id }) => run_id))];
  expect(runs).toHaveLength(2);
  const all = await listSteps(deployment.database.db, {
    episode_id: episode.id,
    after: 0,
    limit: 100,
    superseded: true,
  });
  const superseded = all.filter(({ superseded_by }) => superseded_by);
  expect(superseded.map(({ seq }) => seq)).toEqual(
    after.filter(({ run_id }) => run_id === runs[1]).map(({ seq }) => seq),
  );
  expect(new Set(superseded.map(({ superseded_by }) => superseded_by))).toEqual(new Set([runs[1]]));
});

test('an episode goes on as a new run when its history grows long, with one record', async () => {
  await deployment.startWorker();
  const lines = Array.from({ length: 12 }, () => ({ calls: [call('list_files', {})] }));
  const episode = await deployment.accept(
    { agent: 'single_engineer', model: 'scripted:transcript' },
    {
      '/transcript.json': JSON.stringify({
        lines: { engineer: [...lines.map((line) => ({ text: '', ...line })), ...ending()] },
      }),
    },
  );
  const run = { episode_id: episode.id, budgets: episode.budgets, history_events_max: 60 };
  const { workflow } = deployment.workflows.client;
  const handle = await workflow.start('EpisodeWorkflow', {
    workflowId: episode.workflow_id,
    taskQueue: `${deployment.config.temporal.task_queue_prefix}episodes`,
    args: [run],
  });
  await handle.result();
  await expectApproved(episode);
  const steps = await stepsOf(deployment, episode.id);
  expect(new Set(steps.map(({ run_id }) => run_id)).size).toBeGreaterThan(1);
  expect(steps.filter(({ superseded_by }) => superseded_by)).toEqual([]);
});

const ending = () => [
  { text: '', calls: [call('write_file', { path: '/review.md', content: 'checked' })] },
  { text: '', calls: [call('finish', { decision: 'APPROVED', reason: 'done', review_path: '/review.md' })] },
];

test('an API killed between accepting an episode and starting it: the sweep starts it, and the client that asks again gets it', async () => {
  await using way = await openWay(deployment.env['TEMPORAL_ADDRESS'] ?? '');
  way.hold();
  const lines = { engineer: [1, 2, 3, 4].map(() => ({ text: '', calls: [call('list_files', {})] })) };
  const transcript = await deployment.store.put(Buffer.from(JSON.stringify({ lines })), {
    contentType: 'application/json',
  });
  await insertArtifact(deployment.database.db, transcript);
  const body = {
    task: 'a test',
    agent: 'single_engineer',
    model: 'scripted:transcript',
    inputs: [{ path: '/transcript.json', sha256: transcript.sha256 }],
    budgets: { ...BUDGETS, steps: 3 },
  };
  const dying = await startApi({ env: { ...deployment.env, TEMPORAL_ADDRESS: way.address } });
  const unanswered = postEpisode(dying, body).then(
    () => 'answered',
    (error: Error) => error.message,
  );
  const accepted = async () => {
    const { rows } = await deployment.database.pool.query<{ id: string }>(
      `select id from episodes where idempotency_key = 'kill-me'`,
    );
    return rows[0];
  };
  const { id } = await until({ what: 'the row of the episode', duration_ms_max: 60_000, attempt: accepted });
  await dying.kill();
  expect(await unanswered).toBe('fetch failed');
  await deployment.database.pool.query(
    `update episodes set created_at = created_at - interval '1 minute' where id = $1`,
    [id],
  );
  await deployment.startWorker();
  await deployment.workflows.client.workflow.execute('SweepWorkflow', {
    workflowId: `sweep-${id}`,
    taskQueue: `${deployment.config.temporal.task_queue_prefix}maintenance`,
  });
  await ended(await getEpisode(deployment.database.db, id));
  expect(await getEpisode(deployment.database.db, id)).toMatchObject({ terminal_reason: 'OUT_OF_TURN_BUDGET' });
  await expectTrueRecord(deployment, id);
  await using api = await startApi(deployment);
  expect(await (await postEpisode(api, body)).json()).toMatchObject({ id, status: 'stopped' });
});

const BUDGETS = { steps: 100, tokens: 1_000, usd: 1, wall_s: 600 };

const postEpisode = ({ env }: ApiProcess, body: object) =>
  fetch(`${env['OBSERVATORY_URL']}/v1/episodes`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${env['OBSERVATORY_API_KEY']}`,
      'content-type': 'application/json',
      'idempotency-key': 'kill-me',
    },
    body: JSON.stringify(body),
  });

test('an episode that uses up its steps is stopped, and says why', async () => {
  await deployment.startWorker();
  const lines = Array.from({ length: 5 }, () => ({ calls: [call('list_files', {})] }));
  const episode = await deployment.play(lines, { budgets: { steps: 4, tokens: 1_000, usd: 1, wall_s: 600 } });
  await ended(episode);
  expect(await getEpisode(deployment.database.db, episode.id)).toMatchObject({
    status: 'stopped',
    terminal_reason: 'OUT_OF_TURN_BUDGET',
    step_count: 4,
  });
  await expectTrueRecord(deployment, episode.id);
});

test('a call of an unknown tool, wrong arguments and a failing tool are results for the model, not failures of the system', async () => {
  await deployment.startWorker();
  const episode = await deployment.play([
    {
      calls: [
        call('fly', {}),
        call('read_file', { path: 7 }),
        call('read_file', { path: '/none' }),
        call('write_file', { path: '/renders/x', content: '' }),
      ],
    },
  ]);
  await ended(episode);
  await expectApproved(episode);
  const errors = (await stepsOf(deployment, episode.id)).filter(({ status }) => status === 'error');
  expect(errors.map(({ error }) => error?.code)).toEqual([
    'not_found',
    'invalid_argument',
    'not_found',
    'permission_denied',
  ]);
  expect(errors[0]?.output).toEqual({
    content: expect.stringContaining('there is no tool "fly": you have list_files'),
  });
});
