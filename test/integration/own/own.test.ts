// Graphs that LangGraph's users write run as episodes: each model and tool call is a step, a superstep runs again until all that
// it asks is answered, and what is on record is never asked again, over retries, forks, rewinds and a killed worker.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { listReplays } from '../../../src/db/read/replays.ts';
import { findWorkspaceBefore } from '../../../src/db/read/transcript.ts';
import type { Episode, StartEpisode } from '../../../src/schemas/episode.ts';
import { aftercareIdOf } from '../../../src/workflows/names.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment, Line } from '../../support/deployment.ts';
import { startFork } from '../../support/fork.ts';
import { begins, ends, isCheckpointed, openGates } from '../../support/gate.ts';
import type { Gate } from '../../support/gate.ts';
import { answerStep, sendMessage } from '../../support/people.ts';
import { expectTrueRecord, stepsOf, untilRow } from '../../support/record.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await createDeployment();
  deployment.env['OBSERVATORY_CONFIG'] = join(import.meta.dirname, '../../support/own-agents.config.ts');
  await deployment.startWorker();
});
afterAll(() => deployment[Symbol.asyncDispose]());

const ended = ({ workflow_id }: Episode) => deployment.workflows.client.workflow.getHandle(workflow_id).result();

/** Accepts an episode of an agent whose models say these lines, by the name under which they think. */
function accept(agent: string, lines: Record<string, Line[]>, request: Partial<StartEpisode> = {}): Promise<Episode> {
  const said = Object.entries(lines).map(([name, all]) => [name, all.map((line) => ({ text: '', ...line }))]);
  const files = { '/transcript.json': JSON.stringify({ lines: Object.fromEntries(said) }) };
  return deployment.accept({ agent, model: 'scripted:transcript', ...request }, files);
}

/** The same, and starts it. */
async function play(...accepted: Parameters<typeof accept>): Promise<Episode> {
  const episode = await accept(...accepted);
  await deployment.workflows.startEpisode(episode);
  return episode;
}

/** Holds an ended episode against what must be true of each: its record, its coverage and its replay. */
async function expectWhole(episode: Episode, terminal_reason: string): Promise<void> {
  const { db } = deployment.database;
  const now = await getEpisode(db, episode.id);
  expect(now).toMatchObject({ terminal_reason, failure: null });
  await expectTrueRecord(deployment, episode.id);
  const care = deployment.workflows.client.workflow.getHandle(aftercareIdOf(episode.id, now.run_id ?? ''));
  expect(await care.result()).toMatchObject({ verdict: 'unverified', finding_count: 0 }); // no Langfuse is there
  const replays = await listReplays(db, { episode_id: episode.id, limit: 100 });
  expect(replays.map(({ verdict }) => verdict)).toEqual(replays.map(() => 'deterministic'));
  expect(replays.length).toBeGreaterThan(0);
}

/** The steps, in short: number, what it is, and below which step. */
const shapeOf = async ({ id }: Episode) =>
  (await stepsOf(deployment, id)).map(({ seq, name, parent_seq, status }) =>
    [seq, name, ...(parent_seq === null ? [] : [`< ${parent_seq}`]), ...(status === 'ok' ? [] : [status])].join(' '),
  );

const fork = (parent: Episode, seq: number, text?: string) => startFork(deployment, parent, { seq, text });

/** Forks an ended episode after each of its steps, and sees each fork to the same end with no recorded step asked again. */
async function expectForks(source: Episode, terminal_reason: string, seqs: number[]): Promise<void> {
  const shape = await shapeOf(source);
  const check = async (seq: number) => {
    const child = await fork(source, seq);
    await ended(child);
    const steps = await stepsOf(deployment, child.id);
    expect(steps.map((step) => step.episode_id === child.id)).toEqual(steps.map((step) => step.seq > seq));
    expect((await shapeOf(child)).filter((line) => !line.includes(' superstep'))).toHaveLength(
      shape.filter((line) => !line.includes(' superstep')).length,
    );
    await expectWhole(child, terminal_reason);
  };
  await Promise.all(seqs.map(check));
}

const REACT: Record<string, Line[]> = {
  react: [
    { text: 'I add.', calls: [call('add', { a: 1 }), call('divide', { a: 6, b: 2 })] },
    { calls: [call('note', { path: 'note.txt', text: 'two' }), call('divide', { a: 1, b: 0 })] },
    { calls: [call('read_file', { path: '/note.txt' })] },
    { text: 'It is done.' },
  ],
};

test('an agent of createAgent: its calls hang below the thoughts that asked for them, and its files are kept', async () => {
  const episode = await play('react', REACT);
  await ended(episode);
  expect(await shapeOf(episode)).toEqual([
    '1 think',
    '2 add < 1',
    '3 divide < 1',
    '4 think',
    '5 note < 4',
    '6 divide < 4 error',
    '7 think',
    '8 read_file < 7',
    '9 think',
  ]);
  const steps = await stepsOf(deployment, episode.id);
  expect(steps[1]).toMatchObject({ output: { content: '2' }, node: 'tools' });
  expect(steps[2]).toMatchObject({ output: { result: { value: { quotient: 3 } } } });
  expect(steps[5]?.error?.message).toBe('nothing is divided by 0');
  expect(steps[7]?.output).toMatchObject({ content: expect.stringContaining('two') });
  expect(JSON.stringify(steps[8]?.input)).toContain('nothing is divided by 0');
  await expectWhole(episode, 'COMPLETED');
  await expectForks(episode, 'COMPLETED', [0, 1, 2, 4, 5, 8, 9]);
  expect(await findWorkspaceBefore(deployment.database.db, episode.id, 6)).toBeDefined();
});

const NESTED: Record<string, Line[]> = {
  nested: [
    { calls: [call('add', { a: 1, b: 2 }), call('divide', { a: 4, b: 2 })] },
    { text: 'one round' },
    { calls: [call('add', { a: 5, b: 5 })] },
    { text: 'two rounds' },
  ],
};

test('own channels, a cycle, Command and a subgraph: what was asked within the subgraph is not asked again', async () => {
  const episode = await play('nested', NESTED);
  await ended(episode);
  expect(await shapeOf(episode)).toEqual([
    '1 think',
    '2 add < 1',
    '3 divide < 1',
    '4 think',
    '5 think',
    '6 add < 5',
    '7 think',
  ]);
  expect((await stepsOf(deployment, episode.id)).map(({ step_key }) => step_key)).toEqual([
    '1/worker/model_request@1/think#1',
    '1/worker/tools@2[0]/add#1',
    '1/worker/tools@2[1]/divide#1',
    '1/worker/model_request@3/think#1',
    '4/worker/model_request@1/think#1',
    '4/worker/tools@2[0]/add#1',
    '4/worker/model_request@3/think#1',
  ]);
  await expectWhole(episode, 'APPROVED');
  await expectForks(episode, 'APPROVED', [1, 2, 3, 4, 6]);
});

const FAN = Object.fromEntries([1, 2, 3].map((n) => [`worker_${n}`, [{ text: `of ${n}` }]]));

test('a map by Send: the calls of its tasks run side by side, and each task gets its own answers', async () => {
  const episode = await play('fan', FAN, { task: '1 2 3' });
  await ended(episode);
  expect(await shapeOf(episode)).toEqual([
    '1 superstep',
    '2 add < 1',
    '3 add < 1',
    '4 add < 1',
    '5 superstep',
    '6 add < 5',
    '7 add < 5',
    '8 add < 5',
    '9 think',
    '10 think',
    '11 think',
  ]);
  const steps = await stepsOf(deployment, episode.id);
  expect(steps.slice(-3).map(({ agent, node }) => [agent, node])).toEqual(
    [1, 2, 3].map((n) => [`worker_${n}`, `work[${n - 1}]`]),
  );
  await expectWhole(episode, 'COMPLETED');
  await expectForks(episode, 'COMPLETED', [1, 3, 5, 7, 9, 10]);
});

async function answer(episode: Episode, text: string): Promise<number> {
  const asked = await untilRow(deployment, async () =>
    (await stepsOf(deployment, episode.id)).find(({ kind, status }) => kind === 'human' && status === 'running'),
  );
  await answerStep(deployment, episode, { step: asked.seq, text });
  return asked.seq;
}

test('interrupt() asks a person, also when its worker is gone meanwhile; a fork after the answer asks it no more', async () => {
  const episode = await play('asking', {});
  expect(await answer(episode, '4')).toBe(2);
  await untilRow(deployment, async () => (await stepsOf(deployment, episode.id))[5]);
  await deployment.killWorkers();
  await deployment.startWorker();
  expect(await answer(episode, '{"b":7}')).toBe(6);
  await ended(episode);
  const steps = await stepsOf(deployment, episode.id);
  expect(steps.map(({ name }) => name)).toEqual([
    'superstep',
    'ask_person',
    'superstep',
    'add',
    'superstep',
    'ask_person',
  ]);
  expect(steps[5]?.input).toMatchObject({ question: '{"question":"And which other?","had":"5"}' });
  await expectWhole(episode, 'APPROVED');
  const child = await fork(episode, 4);
  expect(await answer(child, '{"b":7}')).toBe(6);
  await ended(child);
  await expectWhole(child, 'APPROVED');
  await expectForks(episode, 'APPROVED', [6]);
});

test('a person’s words are heard between supersteps, once, after the results of the calls before them', async () => {
  const slow = { react: [{ thinking_ms: 1_000, calls: [call('add', { a: 1 })] }, { text: 'I heard.' }] };
  const episode = await play('react', slow);
  await untilRow(deployment, async () => (await stepsOf(deployment, episode.id))[0]);
  await sendMessage(deployment, episode, { text: 'mind the gap' });
  await ended(episode);
  const steps = await stepsOf(deployment, episode.id);
  expect(steps.map(({ name }) => name)).toEqual(['think', 'add', 'message', 'think']);
  const { messages } = steps[3]!.input as { messages: { role: string; content: string }[] };
  expect(messages.map(({ role, content }) => [role, content]).slice(-2)).toEqual([
    ['tool', '2'],
    ['user', 'mind the gap'],
  ]);
  await expectWhole(episode, 'COMPLETED');
});

test('a call that a person has to approve waits, and a declined one is told to the graph', async () => {
  const lines = { react: [{ calls: [call('add', { a: 1 }), call('add', { a: 2 })] }, { text: 'done' }] };
  const episode = await play('react', lines, { approvals: { add: 'ask' } });
  await answer(episode, 'yes');
  const asked = await untilRow(deployment, async () =>
    (await stepsOf(deployment, episode.id)).find(
      ({ seq, kind, status }) => seq > 2 && kind === 'human' && status === 'running',
    ),
  );
  const said = { id: randomUUID(), author: 'ada', step: asked.seq, approve: false, text: 'not twice' };
  await answerStep(deployment, episode, said);
  await ended(episode);
  expect((await stepsOf(deployment, episode.id)).at(-2)?.error?.message).toContain('ada declined this call: not twice');
  await expectWhole(episode, 'COMPLETED');
});

test('a budget ends a graph between its steps, and a cancel ends it where it is', async () => {
  const calls = [call('add', { a: 1 })];
  const endless = { react: Array.from({ length: 20 }, () => ({ calls, thinking_ms: 50 })) };
  const bounded = await play('react', endless, { budgets: { steps: 5, tokens: 1_000, usd: 1, wall_s: 600 } });
  await ended(bounded);
  expect(await getEpisode(deployment.database.db, bounded.id)).toMatchObject({ terminal_reason: 'OUT_OF_TURN_BUDGET' });
  await expectTrueRecord(deployment, bounded.id);
  const cancelled = await play('react', { react: [{ calls, thinking_ms: 60_000 }] });
  await untilRow(deployment, async () => (await stepsOf(deployment, cancelled.id))[0]);
  await deployment.workflows.cancelEpisode(cancelled);
  await expect(ended(cancelled)).rejects.toThrow(/cancelled/i);
  expect((await stepsOf(deployment, cancelled.id)).map(({ status }) => status)).toEqual(['cancelled']);
  await expectTrueRecord(deployment, cancelled.id);
});

test.for([
  ['rogue', 'UNRECORDED_CALL', /asks the model FakeListChatModel that it made for itself/],
  ['sly', 'UNRECORDED_CALL', /calls the tool add that it made for itself/],
  ['catching', 'INTERNAL_ERROR', /went on without the answer of the tool add at only/],
  ['fickle', 'INTERNAL_ERROR', /0\/only\/add#1 asks another question \(\w+\) than step 2 has on record \(\w+\)/],
] as const)('the graph %s ends as %s, and the failure names what it did', async ([agent, terminal_reason, message]) => {
  const episode = await play(agent, {});
  await expect(ended(episode)).rejects.toThrow('Workflow execution failed');
  const { failure, ...now } = await getEpisode(deployment.database.db, episode.id);
  expect(now).toMatchObject({ status: 'failed', terminal_reason });
  expect(failure?.message).toMatch(message);
});

test('an ended episode is rewound into the middle of a subgraph, and only what comes after is asked again', async () => {
  const episode = await play('nested', NESTED);
  await ended(episode);
  const { run_id } = await getEpisode(deployment.database.db, episode.id);
  await deployment.workflows.rewindEpisode(episode, { seq: 3, run_id: run_id ?? '', request_id: randomUUID() });
  await ended(episode);
  const steps = await stepsOf(deployment, episode.id);
  expect(steps.map((step) => step.run_id === run_id)).toEqual(steps.map(({ seq }) => seq <= 3));
  await expectWhole(episode, 'APPROVED');
});

test('a worker that is killed in the middle loses and doubles nothing, wherever its graphs are', async () => {
  // Each that waits at a gate holds one of the worker's connections.
  const graphs = [
    ['react', REACT, 'COMPLETED', [begins(1), ends(1), isCheckpointed(1), ends(2), isCheckpointed(3)]],
    ['nested', NESTED, 'APPROVED', [ends(1), ends(2), begins(4), ends(4), isCheckpointed(4)]],
    ['fan', FAN, 'COMPLETED', [ends(1), ends(2), ends(5), ends(10)]],
  ] as const;
  const whole = new Map<string, string[]>();
  for (const [agent, lines] of graphs) {
    const episode = await play(agent, lines, { task: '1 2 3' });
    await ended(episode);
    whole.set(agent, await shapeOf(episode));
  }
  const played: { episode: Episode; reason: string; shape: string[] }[] = [];
  {
    await using gates = await openGates(deployment);
    const set: Gate[] = [];
    for (const [agent, lines, reason, places] of graphs)
      for (const place of places) {
        const episode = await accept(agent, lines, { task: '1 2 3' });
        set.push(await gates.set(place(episode.id)));
        played.push({ episode, reason, shape: whole.get(agent) ?? [] });
      }
    for (const { episode } of played) await deployment.workflows.startEpisode(episode);
    for (const gate of set) await gate.reached();
    await deployment.killWorkers();
  }
  await deployment.startWorker();
  for (const { episode, reason, shape } of played) {
    await ended(episode);
    expect(await shapeOf(episode)).toEqual(shape);
    await expectWhole(episode, reason);
  }
}, 300_000);
