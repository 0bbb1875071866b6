// What is done with a recorded episode, from the command line over a real API and worker: run again with its answers, forked,
// rewound, reconstructed, its physics reproduced.
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { expectTrueRecord, stepsOf, untilRow } from '../../support/record.ts';
import { BENCHMARK_YAML, SCENE } from '../../support/synthetic.ts';
import { startApi } from '../../support/api-process.ts';
import type { ApiProcess } from '../../support/api-process.ts';
import { answerStep, sendMessage } from '../../support/people.ts';

/** Steps 1 2 · 3 4 (asks) · 5 (a message) · 6 7 (simulates) · 8 9 10 · 11 12 · 13 14 (approved). */
const LINES = [
  { calls: [call('write_file', { path: '/scene.xml', content: SCENE })] },
  { calls: [call('ask_person', { question: 'Which seed?' })] },
  { calls: [call('simulate', { scene_path: '/scene.xml', seed: 3 })] },
  { calls: [call('list_files', {}), call('read_file', { path: '/scene.xml' })] },
  { calls: [call('write_file', { path: '/review.md', content: 'checked' })] },
  { calls: [call('finish', { decision: 'APPROVED', reason: 'it is done', review_path: '/review.md' })] },
];
const LAST = 14;

let deployment: Deployment;
let api: ApiProcess;
let dir: string;
let source: Episode;
/** Re-runs of the whole record, and of its first nine steps. */
let rerun: Episode;
let told: Episode;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'observatory-debugging-'));
  deployment = await createDeployment();
  await deployment.startWorker();
  api = await startApi(deployment);
  const lines = { engineer: LINES.map((line) => ({ text: '', ...line })) };
  const files = { '/transcript.json': JSON.stringify({ lines }), '/benchmark_definition.yaml': BENCHMARK_YAML };
  source = await deployment.accept({ agent: 'single_engineer', model: 'scripted:transcript' }, files);
  await deployment.workflows.startEpisode(source);
  await answer(source, 'three');
  await ended(source);
  rerun = await run('episodes', 'rerun', source.id);
  told = await run('episodes', 'rerun', source.id, '--recorded-until', '9');
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await deployment[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

const ended = ({ workflow_id }: Pick<Episode, 'workflow_id'>) =>
  deployment.workflows.client.workflow.getHandle(workflow_id).result();

const waiting = (episode: Episode) =>
  untilRow(deployment, async () =>
    (await stepsOf(deployment, episode.id)).find(({ kind, status }) => kind === 'human' && status === 'running'),
  );

/** Says something and answers, once a step of the episode waits for a person. */
async function answer(episode: Episode, text: string): Promise<void> {
  await waiting(episode);
  await sendMessage(deployment, episode, { text: 'mind the box' });
  await answerOnly(episode, text);
}

async function answerOnly(episode: Episode, text: string): Promise<void> {
  const { seq } = await waiting(episode);
  await answerStep(deployment, episode, { step: seq, text });
}

/** What a command answers as JSON. It must succeed. */
async function run<T = Episode>(...args: string[]): Promise<T> {
  const { code, out, err } = await api.run([...args, '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as T;
}

const linesOf = async (id: string) =>
  (await stepsOf(deployment, id)).map(({ kind, name, input, output }) => ({ kind, name, input, output }));

test('a re-run of the whole record asks nobody anything, costs nothing, and comes to the same', async () => {
  await ended(rerun);
  const episode = await getEpisode(deployment.database.db, rerun.id);
  expect(episode).toMatchObject({ terminal_reason: 'APPROVED', recorded_until: LAST, recorded_miss: null, usd: 0 });
  const recorded = await stepsOf(deployment, source.id);
  const steps = await stepsOf(deployment, rerun.id);
  expect(steps.map(({ served_from }) => served_from)).toEqual(recorded.map(({ id }) => id));
  expect(await linesOf(rerun.id)).toEqual(await linesOf(source.id));
  expect(steps.map(({ workspace_sha256 }) => workspace_sha256)).toEqual(
    recorded.map(({ workspace_sha256 }) => workspace_sha256),
  );
  await expectTrueRecord(deployment, rerun.id);
  const span = await deployment.database.db
    .selectFrom('trace_outbox')
    .select('payload')
    .where('span_id', '=', steps[0]?.span_id ?? '')
    .executeTakeFirstOrThrow();
  expect(span.payload).toContain(`served_from","value":{"stringValue":"${recorded[0]?.id}"`);
});

test('a re-run is live after the step it was told, and from the first that is another question', async () => {
  const served = async ({ id }: Pick<Episode, 'id'>) =>
    (await stepsOf(deployment, id)).filter(({ served_from }) => served_from).map(({ seq }) => seq);
  const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
  await ended(told);
  expect(await served(told)).toEqual(upTo(9));
  expect(await linesOf(told.id)).toEqual(await linesOf(source.id));

  // The record has no answer to the question, and another one is given.
  const { pool } = deployment.database;
  const change = (output: string | null) =>
    pool.query('update steps set output = $2 where episode_id = $1 and seq = 4', [source.id, output]);
  const { rows } = await pool.query<{ output: unknown }>('select output from steps where episode_id = $1 and seq = 4', [
    source.id,
  ]);
  await change(null);
  const missed = await run('episodes', 'rerun', source.id);
  await answerOnly(missed, 'four');
  await ended(missed);
  await change(JSON.stringify(rows[0]?.output));
  expect(await served(missed)).toEqual([1, 2, 3, 5]);
  const { recorded_miss } = await getEpisode(deployment.database.db, missed.id);
  expect(recorded_miss).toEqual({ seq: 6, reason: 'a person said something else at step 4' });
  const { out } = await api.run(['episodes', 'show', missed.id]);
  expect(out).toContain(
    `re-run of ${source.id}, recorded until step ${LAST}; live from step 6: a person said something`,
  );
  await expectTrueRecord(deployment, missed.id);
});

test('answers are found whatever prompts, message forms and tools were when they were recorded', async () => {
  const { pool } = deployment.database;
  await pool.query("update steps set asked_sha256 = repeat('0', 64) where episode_id = $1", [told.id]);
  await pool.query("update steps set kind = 'tool_call' where episode_id = $1 and name = 'finish'", [told.id]);
  const again = await run('episodes', 'rerun', told.id);
  await ended(again);
  const recorded = await stepsOf(deployment, told.id);
  const steps = await stepsOf(deployment, again.id);
  expect(steps.map(({ served_from }) => served_from)).toEqual(recorded.map(({ id }) => id));
});

test('an episode is forked with changes, and rewound', async () => {
  const forked = await run('episodes', 'fork', source.id, '--step', '10', '--set', 'seed=9', '--message', 'look again');
  expect(forked).toMatchObject({ forked_from_seq: 10, seed: 9 });
  await ended(forked);
  expect((await stepsOf(deployment, forked.id))[10]).toMatchObject({
    name: 'message',
    output: { content: 'look again' },
  });
  const refused = await api.run(['episodes', 'fork', source.id, '--step', '99']);
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('The nearest that can: 14.') });
  expect((await api.run(['episodes', 'fork', source.id, '--step', '1', '--set', 'task=x'])).code).toBe(2);
  const before = await getEpisode(deployment.database.db, forked.id);
  await run('rewind', forked.id, '--step', '12');
  await ended(forked);
  const after = await getEpisode(deployment.database.db, forked.id);
  expect(after.run_id).not.toBe(before.run_id);
  expect(after).toMatchObject({ terminal_reason: 'APPROVED', step_count: before.step_count });
  expect(await api.run(['rewind', forked.id, '--step', '3'])).toMatchObject({
    code: 1,
    err: expect.stringContaining(`those of episode ${source.id}`),
  });
  await expectTrueRecord(deployment, forked.id);
});

test('files and conversation are written as they stood, into an empty folder only', async () => {
  const into = join(dir, 'step-2');
  const done = await run<{ workspace_sha256: string }>('reconstruct', source.id, '--step', '2', '--into', into);
  expect(await readFile(join(into, 'workspace/scene.xml'), 'utf8')).toBe(SCENE);
  const manifest = await readFile(join(into, 'manifest.json'));
  expect(createHash('sha256').update(manifest).digest('hex')).toBe(done.workspace_sha256);
  expect(done.workspace_sha256).toBe((await stepsOf(deployment, source.id))[1]?.workspace_sha256);
  const { roles } = JSON.parse(await readFile(join(into, 'conversation.json'), 'utf8'));
  expect(roles).toHaveLength(1);
  expect(roles[0].messages.map(({ role }: { role: string }) => role)).toEqual(['system', 'user', 'assistant', 'tool']);
  const again = await api.run(['reconstruct', source.id, '--step', '2', '--into', into]);
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining('is not empty') });
});

test('a simulation is reproduced by hash, and the verdict is a score that Langfuse is told', async () => {
  type Verdicts = { simulations: { seq: number; reproduced: boolean; comment: string }[] };
  const { simulations } = await run<Verdicts>('reproduce', source.id);
  expect(simulations).toEqual([
    {
      seq: 7,
      reproduced: true,
      comment: expect.stringMatching(/^6 trajectories equal by hash, \d+ steps; mujoco \S+, rec/),
    },
  ]);
  const { rows } = await deployment.database.pool.query(
    `select f.source, f.value, o.subject from feedback f join trace_outbox o on o.span_id = f.id::text
      where f.episode_id = $1 and f.name = 'reproduced'`,
    [source.id],
  );
  expect(rows).toEqual([{ source: 'automatic', value: true, subject: 'score' }]);
  expect(await api.run(['reproduce', source.id, '--step', '2'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('Step 2 is no simulation'),
  });
});
