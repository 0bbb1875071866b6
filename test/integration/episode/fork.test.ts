// Forks of one played episode: each goes on at exactly the chosen place, with its parent's conversation, files and graph, and
// leaves the parent as it was.
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertEpisode } from '../../../src/db/append/episodes.ts';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { checkPlace } from '../../../src/db/read/places.ts';
import { findWorkspaceBefore } from '../../../src/db/read/transcript.ts';
import { StartEpisode } from '../../../src/schemas/episode.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { expectTrueRecord, stepsOf, untilRow } from '../../support/record.ts';

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

beforeAll(async () => {
  deployment = await createDeployment();
  await deployment.startWorker();
  source = await deployment.play(LINES, { seed: 7 });
});
afterAll(() => deployment[Symbol.asyncDispose]());

const ended = ({ workflow_id }: Episode) => deployment.workflows.client.workflow.getHandle(workflow_id).result();

async function fork(parent: Episode, seq: number, text?: string): Promise<Episode> {
  const { task, inputs, agent, model, seed, budgets, approvals } = parent;
  const { episode } = await insertEpisode(deployment.database.db, {
    request: StartEpisode.parse({ task, inputs, agent, model, seed, budgets, approvals }),
    lineage: {
      generation_kind: 'fork',
      parent_episode_id: parent.id,
      forked_from_seq: seq,
      recorded_until: null,
      message: text === undefined ? null : { author: 'ada', text },
    },
    namespace: deployment.config.temporal.namespace,
    idempotency_key: null,
    code_version: null,
  });
  await deployment.workflows.startEpisode(episode);
  return episode;
}

/** Waits until a step of the episode's own waits for a person, and answers it. Returns its number. */
async function answer(episode: Episode, text: string): Promise<number> {
  const asked = await untilRow(deployment, async () =>
    (await stepsOf(deployment, episode.id)).find(({ kind, status }) => kind === 'human' && status === 'running'),
  );
  await deployment.workflows.answer(episode, { id: randomUUID(), author: 'ada', step: asked.seq, approve: true, text });
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
});
