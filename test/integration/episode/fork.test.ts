// Forks of one played episode go on at exactly the chosen place and leave their parent as it was; episodes that are rewound go
// back themselves, and their record stays true.
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { checkPlace } from '../../../src/db/read/places.ts';
import { findWorkspaceBefore } from '../../../src/db/read/transcript.ts';
import { rootSpanIdOf } from '../../../src/identity.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { aftercareIdOf } from '../../../src/workflows/names.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { startFork } from '../../support/fork.ts';
import { expectTrueRecord, stepsOf, untilRow } from '../../support/record.ts';
import { answerStep } from '../../support/people.ts';

let deployment: Deployment;
let source: Episode;

const write = (path: string) => call('write_file', { path, content: `${path}\n` });
/** Steps 1 2 · 3 4 5 6 · 7 8 (asks) · 9 (no call) · 10 11 · 12 13 · 14 15 (approved). */
const LINES = [
  { calls: [write('/a.txt')] },
  { calls: [call('list_files', {}), call('read_file', { path: '/a.txt' }), write('/b.txt')] },
  { calls: [call('ask_person', { question: 'Which?' })] },
  { text: 'I think about it.' },
  { calls: [write('/c.txt')] },
];
const LAST = 15;
const ENDING = [
  { text: '', calls: [write('/review.md')] },
  { text: '', calls: [call('finish', { decision: 'APPROVED', reason: 'done', review_path: '/review.md' })] },
];

beforeAll(async () => {
  deployment = await createDeployment();
  await deployment.startWorker();
  source = await deployment.play(LINES, { seed: 7 });
});
afterAll(() => deployment[Symbol.asyncDispose]());

const ended = ({ workflow_id }: Episode) => deployment.workflows.client.workflow.getHandle(workflow_id).result();

const fork = (parent: Episode, seq: number, text?: string) => startFork(deployment, parent, { seq, text });

/** Waits until a step of the episode's own waits for a person, and answers it. Returns its number. */
async function answer(episode: Episode, text: string): Promise<number> {
  const asked = await untilRow(deployment, async () =>
    (await stepsOf(deployment, episode.id)).find(({ kind, status }) => kind === 'human' && status === 'running'),
  );
  await answerStep(deployment, episode, { step: asked.seq, text });
  return asked.seq;
}

const rowsOf = async ({ id }: Episode) => {
  const tables = ['episodes where id', 'steps where episode_id', 'execution_logs where episode_id'];
  const checkpoints = `select * from langgraph.checkpoints where thread_id like '${id}%' order by checkpoint_id`;
  const texts = await Promise.all(
    [...tables.map((table) => `select * from ${table} = '${id}' order by 1, 2`), checkpoints].map(
      async (query) => (await deployment.database.pool.query(query)).rows,
    ),
  );
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex');
};

const runOf = async ({ id }: Episode) => (await getEpisode(deployment.database.db, id)).run_id ?? '';

/** Waits for the aftercare of the episode's last run; returns what its audit found. */
async function audited(episode: Episode): Promise<unknown> {
  const { workflow } = deployment.workflows.client;
  return workflow.getHandle(aftercareIdOf(episode.id, await runOf(episode))).result();
}

/** The kinds of steps, by number: t(hought), c(all), h(uman). */
const shapeOf = async ({ id }: Episode) =>
  (await stepsOf(deployment, id)).map(({ kind }) => (kind === 'thought' ? 't' : kind === 'human' ? 'h' : 'c')).join('');

test('a running episode is forked before its open question, which both then ask by themselves', async () => {
  await untilRow(deployment, async () =>
    (await stepsOf(deployment, source.id)).find(({ kind, status }) => kind === 'human' && status === 'running'),
  );
  await expect(checkPlace(deployment.database.db, { episode_id: source.id, seq: 8 })).rejects.toThrow(
    'The place after step 8 cannot be chosen: it has not ended. The nearest that can: 7.',
  );
  const running = await fork(source, 7);
  expect(await answer(running, 'the fork’s')).toBe(8);
  await ended(running);
  expect(await shapeOf(running)).toBe('tctcccthttctctc');
  await expectTrueRecord(deployment, running.id);
  expect(await answer(source, 'the source’s')).toBe(8);
  await ended(source);
  const said = (await stepsOf(deployment, source.id))[7]?.output;
  expect(said).toMatchObject({ content: 'the source’s' });
});

test('forks after any step go on exactly there, two of one place from equal files, and leave the source as it was', async () => {
  const { db } = deployment.database;
  const before = await rowsOf(source);
  const check = async (seq: number) => {
    const one = await fork(source, seq);
    if (seq < 8) await answer(one, 'again');
    await ended(one);
    const steps = await stepsOf(deployment, one.id);
    expect(steps.map((step) => step.episode_id === one.id)).toEqual(steps.map((step) => step.seq > seq));
    expect(await shapeOf(one)).toBe(await shapeOf(source));
    expect(await getEpisode(db, one.id)).toMatchObject({
      terminal_reason: 'APPROVED',
      seed: 7,
      step_count: LAST - seq,
    });
    await expectTrueRecord(deployment, one.id);
    for (const place of [seq + 1, LAST + 1])
      expect(await findWorkspaceBefore(db, one.id, place)).toBe(await findWorkspaceBefore(db, source.id, place));
  };
  await Promise.all([0, 1, 3, 4, 4, 8, 9, LAST].map(check));
  expect(await rowsOf(source)).toBe(before);
});

test('a fork of a fork reads through both, and hears what it was begun with before its next thought', async () => {
  const child = await fork(source, 11);
  await ended(child);
  const grandchild = await fork(child, 13, 'look again');
  await ended(grandchild);
  const steps = await stepsOf(deployment, grandchild.id);
  expect(steps.map(({ episode_id }) => episode_id)).toEqual([
    ...Array.from({ length: 11 }, () => source.id),
    ...Array.from({ length: 2 }, () => child.id),
    ...Array.from({ length: 3 }, () => grandchild.id),
  ]);
  expect(steps[13]).toMatchObject({ kind: 'human', name: 'message', output: { content: 'look again' } });
  await expectTrueRecord(deployment, grandchild.id);
  expect(await audited(grandchild)).toMatchObject({ verdict: 'unverified', finding_count: 0 }); // no Langfuse is there
});

test('a person’s decision on a call holds in a fork after it, which asks nobody again', async () => {
  const episode = await deployment.play([{ calls: [write('/a.txt'), write('/b.txt')] }], {
    approvals: { write_file: 'ask' },
  });
  const decide = async (one: Episode, approve: boolean) => {
    const { seq } = await untilRow(deployment, async () =>
      (await stepsOf(deployment, one.id)).find(({ kind, status }) => kind === 'human' && status === 'running'),
    );
    await answerStep(deployment, one, { step: seq, approve, text: 'so be it' });
    return seq;
  };
  expect(await decide(episode, false)).toBe(2);
  const child = await untilRow(deployment, async () => (await stepsOf(deployment, episode.id))[3]).then(() =>
    fork(episode, 2),
  );
  expect(await decide(child, true)).toBe(4);
  const steps = await stepsOf(deployment, child.id);
  expect(steps.slice(2, 4)).toMatchObject([
    { episode_id: child.id, name: 'write_file', error: { message: 'ada declined this call: so be it' } },
    { episode_id: child.id, name: 'approval' },
  ]);
  for (const one of [episode, child]) await deployment.workflows.cancelEpisode(one);
});

const rewind = (episode: Episode, seq: number, run_id: string) =>
  deployment.workflows.rewindEpisode(episode, { seq, run_id, request_id: randomUUID() });

test('an ended episode that is rewound runs again from that step, and its record tells of both lines', async () => {
  const { db } = deployment.database;
  const episode = await deployment.play([
    { calls: [write('/a.txt')] },
    { calls: [call('list_files', {}), call('read_file', { path: '/a.txt' })] },
  ]);
  await ended(episode);
  await audited(episode);
  const first = await runOf(episode);
  await expect(rewind(episode, 4, first)).rejects.toThrow(/The nearest in this run: 3 and 5\./);
  await rewind(episode, 5, first);
  await ended(episode);
  const second = await runOf(episode);
  expect(second).not.toBe(first);
  const steps = await stepsOf(deployment, episode.id);
  expect(steps.map(({ run_id }) => run_id === second)).toEqual(steps.map(({ seq }) => seq > 5));
  expect(await getEpisode(db, episode.id)).toMatchObject({ status: 'completed', terminal_reason: 'APPROVED' });
  await expectTrueRecord(deployment, episode.id);
  expect(await audited(episode)).toMatchObject({ verdict: 'unverified', finding_count: 0 }); // no Langfuse is there
  const roots = await db
    .selectFrom('trace_outbox')
    .select('span_id')
    .where('episode_id', '=', episode.id)
    .where('subject', '=', 'root')
    .execute();
  expect(roots.map(({ span_id }) => span_id).toSorted()).toEqual(
    [first, second].map((run) => rootSpanIdOf(episode.trace_id, run)).toSorted(),
  );
});

test('a cancelled episode that is rewound is not cancelled any more', async () => {
  const episode = await deployment.play([{ calls: [call('ask_person', { question: 'Well?' })] }]);
  await untilRow(deployment, async () =>
    (await stepsOf(deployment, episode.id)).find(({ kind, status }) => kind === 'human' && status === 'running'),
  );
  await deployment.workflows.cancelEpisode(episode);
  await expect(ended(episode)).rejects.toThrow(/cancelled/i);
  await rewind(episode, 1, await runOf(episode));
  expect(await answer(episode, 'well')).toBe(2);
  expect(await getEpisode(deployment.database.db, episode.id)).toMatchObject({ ended_at: null, terminal_reason: null });
  await ended(episode);
  expect(await getEpisode(deployment.database.db, episode.id)).toMatchObject({ terminal_reason: 'APPROVED' });
  await expectTrueRecord(deployment, episode.id);
});

test('an episode is rewound to its beginning, and a fork to where it began', async () => {
  const episode = await deployment.play([{ calls: [write('/a.txt')] }]);
  await ended(episode);
  const child = await fork(episode, 2);
  await ended(child);
  for (const [one, seq] of [
    [episode, 0],
    [child, 2],
  ] as const) {
    const before = await runOf(one);
    await rewind(one, seq, before);
    await ended(one);
    const own = (await stepsOf(deployment, one.id)).filter(({ episode_id }) => episode_id === one.id);
    expect(own.map(({ run_id }) => run_id)).not.toContain(before);
    expect(await getEpisode(deployment.database.db, one.id)).toMatchObject({ terminal_reason: 'APPROVED' });
    await expectTrueRecord(deployment, one.id);
  }
});

test('an episode that went on as a new run is rewound to a step of the run before', async () => {
  const said = [...Array.from({ length: 6 }, () => ({ text: '', calls: [call('list_files', {})] })), ...ENDING];
  const episode = await deployment.accept(
    { agent: 'single_engineer', model: 'scripted:transcript' },
    { '/transcript.json': JSON.stringify({ lines: { engineer: said } }) },
  );
  await deployment.workflows.client.workflow.start('EpisodeWorkflow', {
    workflowId: episode.workflow_id,
    taskQueue: `${deployment.config.temporal.task_queue_prefix}episodes`,
    args: [{ episode_id: episode.id, budgets: episode.budgets, history_events_max: 40 }],
  });
  await ended(episode);
  const before = await stepsOf(deployment, episode.id);
  const [first] = before;
  expect(new Set(before.map(({ run_id }) => run_id)).size).toBeGreaterThan(1);
  await rewind(episode, 3, first?.run_id ?? '');
  await ended(episode);
  const after = await stepsOf(deployment, episode.id);
  expect(after.map(({ id }, index) => id === before[index]?.id)).toEqual(before.map(({ seq }) => seq <= 3));
  expect(await getEpisode(deployment.database.db, episode.id)).toMatchObject({ terminal_reason: 'APPROVED' });
  await expectTrueRecord(deployment, episode.id);
});
