// Real kills of real worker processes at chosen moments. Where a moment lies inside a transaction, the test holds a lock that
// stops the worker exactly there, sees that it has come, kills it, and lets the next worker go on.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { getStepDetail } from '../../../src/db/read/steps.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { expectTrueRecord, stepsOf, untilRow } from '../../support/record.ts';

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

/** Stops every writer of a table, as one that hangs in the middle of a superstep does, until released. */
async function holdTable(table: string) {
  const client = await deployment.database.pool.connect();
  await client.query('begin');
  await client.query(`lock table ${table} in share row exclusive mode`);
  return {
    async release() {
      await client.query('rollback');
      client.release();
    },
    /** Resolves when another process waits for the table. */
    async awaited() {
      for (;;) {
        const { rows } = await deployment.database.pool.query(
          'select 1 from pg_locks where not granted and relation = $1::regclass',
          [table],
        );
        if (rows.length > 0) return;
      }
    },
  };
}

test.for([
  {
    between: 'the step row and the checkpoint',
    table: 'langgraph.checkpoint_writes',
    seq: 3,
    before: ['ok'],
    after: ['ok'],
  },
  { between: 'the work and the step row', table: 'trace_outbox', seq: 3, before: ['running'], after: ['lost', 'ok'] },
])(
  'a worker killed between $between of a thought: the model is asked once where its answer was recorded',
  async ({ table, seq, before, after }) => {
    const worker = await deployment.startWorker();
    const episode = await deployment.play([
      { text: 'first', calls: [call('execute_command', { command: 'echo one; sleep 1' })] },
      { text: 'second', calls: [call('list_files', {})], thinking_ms: 300 },
    ]);
    await logged(episode, 'one');
    // The second thought begins when the command is done; its first commit passes, the held table stops the next one.
    await untilRow(deployment, async () => (await stepsOf(deployment, episode.id)).find((step) => step.seq === seq));
    const held = await holdTable(table);
    await held.awaited();
    expect(await statuses(episode, seq)).toEqual(before);
    await worker.kill();
    await held.release();
    await deployment.startWorker();
    await ended(episode);
    await expectApproved(episode);
    expect(await statuses(episode, seq)).toEqual(after);
    const { rows } = await deployment.database.pool.query(
      `select 1 from execution_logs where episode_id = $1 and text = 'second' and stream = 'agent'`,
      [episode.id],
    );
    expect(rows).toHaveLength(after.length);
  },
);

test('a cancel ends the running command with all it started, the step and the episode as cancelled', async () => {
  await deployment.startWorker();
  const episode = await deployment.play([
    {
      calls: [
        call('execute_command', { command: 'sleep 300 & echo started; sleep 300' }),
        call('write_file', { path: '/never', content: '' }),
      ],
    },
  ]);
  await logged(episode, 'started');
  await deployment.workflows.cancelEpisode(episode);
  await expect(ended(episode)).rejects.toThrow(/cancelled/i);
  expect(await getEpisode(deployment.database.db, episode.id)).toMatchObject({
    status: 'cancelled',
    terminal_reason: 'USER_CANCELLED',
  });
  await expectTrueRecord(deployment, episode.id);
  expect((await stepsOf(deployment, episode.id)).map(({ status }) => status)).toEqual(['ok', 'cancelled', 'cancelled']);
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

test('an accepted episode whose workflow never started is started by the sweep', async () => {
  await deployment.startWorker();
  const episode = await deployment.accept(
    { agent: 'single_engineer', model: 'scripted:transcript' },
    { '/transcript.json': JSON.stringify({ lines: { engineer: ending() } }) },
  );
  await deployment.database.pool.query(
    `update episodes set created_at = created_at - interval '1 minute' where id = $1`,
    [episode.id],
  );
  await deployment.workflows.client.workflow.execute('SweepWorkflow', {
    workflowId: `sweep-${episode.id}`,
    taskQueue: `${deployment.config.temporal.task_queue_prefix}maintenance`,
  });
  await ended(episode);
  await expectApproved(episode);
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
