// One kill -9 of a real worker that has an episode at each of the moments at which a kill could lose or double something: gates
// in the database and on the way to Temporal stop each of them exactly there. The next worker sees all of them to their end.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { getStepDetail } from '../../../src/db/read/steps.ts';
import { until } from '../../../src/embedded/until.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment, Line } from '../../support/deployment.ts';
import { begins, ends, isCheckpointed, openGates } from '../../support/gate.ts';
import type { Gate, GatePlace } from '../../support/gate.ts';
import { startModelServer } from '../../support/model-server.ts';
import { expectObjects, expectTrueRecord, stepsOf, untilRow } from '../../support/record.ts';
import { BENCHMARK_YAML, SCENE } from '../../support/synthetic.ts';
import { openWay } from '../../support/way.ts';

/** Steps: 1 thought, 2 command, 3 thought, 4 write_file, 5 read_file, then the approval. Files that are alike would make writers wait. */
const linesOf = (moment: string): Line[] => [
  { text: 'first', calls: [call('execute_command', { command: 'echo one > one.txt' })] },
  {
    text: 'second',
    calls: [call('write_file', { path: '/two.txt', content: moment }), call('read_file', { path: '/one.txt' })],
  },
];

const episodeEnds = (id: string) =>
  ({ on: 'episodes', before: 'update', when: `new.id = '${id}' and new.status = 'completed'` }) as const;

/**
 * Each moment: the step at which the worker dies, the attempts that this step has in the end, and where the gate is. `unheard`
 * opens that gate once the way to Temporal is held: what the worker then does is committed, and Temporal never hears of it.
 */
const MOMENTS = {
  'before a thought begins': { seq: 3, attempts: ['ok'], gate: begins(3) },
  'with the answer of a thought in hand': { seq: 3, attempts: ['lost', 'ok'], gate: ends(3) },
  'between the row of a thought and its checkpoint': { seq: 3, attempts: ['ok'], gate: isCheckpointed(3) },
  'after the checkpoint of a thought': { seq: 3, attempts: ['ok'], gate: ends(3), unheard: true },
  'before a call ends': { seq: 4, attempts: ['lost', 'ok'], gate: ends(4) },
  'after a call has ended': { seq: 4, attempts: ['ok'], gate: ends(4), unheard: true },
  'between two calls': { seq: 5, attempts: ['ok'], gate: begins(5) },
  'before the episode ends': { seq: 9, attempts: ['ok'], gate: episodeEnds },
} satisfies Record<string, Moment>;
type Moment = { seq: number; attempts: string[]; gate: (id: string) => GatePlace; unheard?: true };
type MomentName = keyof typeof MOMENTS;
const moments = Object.entries(MOMENTS) as [MomentName, Moment][];

/** Ten episodes at once, a worker killed and another started: on a loaded machine that takes its time. */
const DURATION_MS_MAX = 300_000;
const WRITE = { name: 'write_file', args: { path: '/review.md', content: 'checked' } };
const FINISH = { name: 'finish', args: { decision: 'APPROVED', reason: 'done', review_path: '/review.md' } };

let deployment: Deployment;
const episodes = new Map<MomentName, Episode>();
let thinking: Episode;
let simulating: Episode;
let asked: number;
let atKill: { asked: number; simulation: string[] };

const attemptsOf = async ({ id }: Episode, seq: number) =>
  (await getStepDetail(deployment.database.db, id, seq)).attempts.map(({ status }) => status);

beforeAll(async () => {
  deployment = await createDeployment();
  await using way = await openWay(deployment.env['TEMPORAL_ADDRESS'] ?? '');
  await using model = await startModelServer([{ fault: 'hang' }, { calls: [WRITE] }, { calls: [FINISH] }]);
  Object.assign(deployment.env, { MODEL_BASE_URL: model.base_url, MODEL_NAME: 'oracle' });
  const worker = await deployment.startWorker({ TEMPORAL_ADDRESS: way.address });
  {
    await using gates = await openGates(deployment);
    const set = new Map<MomentName, Gate>();
    for (const [name, { gate }] of moments) {
      const episode = await deployment.rehearse(linesOf(name));
      episodes.set(name, episode);
      set.set(name, await gates.set(gate(episode.id)));
    }
    for (const episode of episodes.values()) await deployment.workflows.startEpisode(episode);
    thinking = await deployment.accept({ agent: 'single_engineer', model: 'default' });
    await deployment.workflows.startEpisode(thinking);
    for (const gate of set.values()) await gate.reached();
    simulating = await deployment.play(
      [{ calls: [call('write_file', { path: '/scene.xml', content: SCENE })] }, { calls: [call('simulate', {})] }],
      {},
      { '/benchmark_definition.yaml': BENCHMARK_YAML },
    );
    await untilRow(deployment, async () => {
      const { rows } = await deployment.database.pool.query(
        `select 1 from execution_logs where episode_id = $1 and text like 'simulating%'`,
        [simulating.id],
      );
      return rows[0] as object | undefined;
    });
    way.hold();
    for (const [name, { unheard }] of moments) if (unheard) await commitUnheard(name, set);
    atKill = { asked: model.requests.length, simulation: await attemptsOf(simulating, 4) };
    await worker.kill();
  }
  await deployment.startWorker();
  for (const { workflow_id } of [...episodes.values(), thinking, simulating])
    await deployment.workflows.client.workflow.getHandle(workflow_id).result();
  asked = model.requests.length;
}, DURATION_MS_MAX);
afterAll(() => deployment[Symbol.asyncDispose]());

/** Opens the gate of this moment and resolves when step and checkpoint are committed. */
async function commitUnheard(name: MomentName, gates: ReadonlyMap<MomentName, Gate>): Promise<void> {
  const { id } = episodes.get(name)!;
  const { seq } = MOMENTS[name];
  const checkpoints = async () => {
    const sql = 'select 1 from langgraph.checkpoints where thread_id like $1';
    return (await deployment.database.pool.query(sql, [`${id}.%`])).rowCount ?? 0;
  };
  const before = await checkpoints();
  await gates.get(name)?.open();
  const isCommitted = async () => {
    const step = await getStepDetail(deployment.database.db, id, seq);
    const isSaved = step.kind !== 'thought' || (await checkpoints()) > before;
    return step.status === 'ok' && isSaved ? true : undefined;
  };
  await until({ what: `the commits of ${name}`, duration_ms_max: 60_000, attempt: isCommitted });
}

async function expectApproved(episode: Episode): Promise<void> {
  expect(await getEpisode(deployment.database.db, episode.id)).toMatchObject({ terminal_reason: 'APPROVED' });
  await expectTrueRecord(deployment, episode.id);
}

test.for(moments)(
  'a worker killed %s: the episode ends approved, and the model is asked again only where its answer was lost',
  async ([name, { seq, attempts }]) => {
    const episode = episodes.get(name)!;
    await expectApproved(episode);
    expect(await attemptsOf(episode, seq)).toEqual(attempts);
    const steps = await stepsOf(deployment, episode.id);
    expect(steps.filter((step) => step.seq !== seq && step.attempt_count !== 1)).toEqual([]);
    expect(steps[4]?.output).toMatchObject({ content: expect.stringContaining('one') });
    const { rows } = await deployment.database.pool.query(
      `select 1 from execution_logs where episode_id = $1 and text = 'second' and stream = 'agent'`,
      [episode.id],
    );
    expect(rows).toHaveLength(seq === 3 ? attempts.length : 1);
  },
);

test('a worker killed inside a model call: the model is asked again, and what the first try used is unknown', async () => {
  await expectApproved(thinking);
  const { attempts } = await getStepDetail(deployment.database.db, thinking.id, 1);
  expect(attempts.map(({ status, usage_unknown }) => ({ status, usage_unknown }))).toEqual([
    { status: 'lost', usage_unknown: true },
    { status: 'ok', usage_unknown: false },
  ]);
  expect([atKill.asked, asked]).toEqual([1, 3]);
});

test('a worker killed in the middle of a simulation: it is run again, and every file of it is there', async () => {
  await expectApproved(simulating);
  expect([atKill.simulation, await attemptsOf(simulating, 4)]).toEqual([['running'], ['lost', 'ok']]);
  const { artifacts } = await getStepDetail(deployment.database.db, simulating.id, 4);
  expect(artifacts.map(({ path }) => path)).toContain('/renders/sim-4/sim.mp4');
  await expectObjects(deployment);
});

test('a worker that was taken for dead and wakes with another answer: the first to end wins, and both are paid for', async () => {
  await deployment.killWorkers();
  await using way = await openWay(deployment.env['TEMPORAL_ADDRESS'] ?? '');
  const { promise: after, resolve: answerAtLast } = Promise.withResolvers<void>();
  await using model = await startModelServer([
    { text: 'the zombie speaks', calls: [FINISH], usage: { input: 1_000, output: 50 }, after },
    { text: 'the living speaks', calls: [WRITE], usage: { input: 900, output: 40 } },
    { calls: [FINISH], usage: { input: 100, output: 10 } },
  ]);
  Object.assign(deployment.env, { MODEL_BASE_URL: model.base_url });
  const zombie = await deployment.startWorker({ TEMPORAL_ADDRESS: way.address });
  const episode = await deployment.accept({ agent: 'single_engineer', model: 'default' });
  await deployment.workflows.startEpisode(episode);
  const isAsked = () => (model.requests.length > 0 ? true : undefined);
  await until({ what: 'the first request', duration_ms_max: 60_000, attempt: isAsked });
  process.kill(zombie.pid, 'SIGSTOP');
  way.hold(); // or Temporal would go on to give it work
  await deployment.startWorker();
  await deployment.workflows.client.workflow.getHandle(episode.workflow_id).result();
  const step = () => getStepDetail(deployment.database.db, episode.id, 1);
  expect((await step()).attempts).toMatchObject([{ status: 'lost', usage_unknown: true }, { status: 'ok' }]);
  answerAtLast();
  process.kill(zombie.pid, 'SIGCONT');
  // It hears first either its answer, or that its time is over: then what it used stays unknown.
  const hasSpoken = async () => {
    const { attempts } = await step();
    return attempts[0]?.status === 'lost' && attempts[0].usage_unknown ? undefined : attempts;
  };
  const [first, second] = await until({ what: 'its word', duration_ms_max: 60_000, attempt: hasSpoken });
  await expectApproved(episode);
  expect((await step()).output).toMatchObject({ text: 'the living speaks' });
  expect(second).toMatchObject({ status: 'ok', input_tokens: 900, output_tokens: 40 });
  expect(first).toMatchObject(
    first?.usage_unknown
      ? { status: 'error', input_tokens: 0, output_tokens: 0 }
      : { status: 'lost', input_tokens: 1_000, output_tokens: 50 },
  );
  expect(await getEpisode(deployment.database.db, episode.id)).toMatchObject({
    input_tokens: 1_000 + (first?.input_tokens ?? 0),
    output_tokens: 50 + (first?.output_tokens ?? 0),
  });
  expect(JSON.stringify(model.requests.at(-1)?.messages)).toMatch(/the living speaks/);
  expect(JSON.stringify(model.requests.at(-1)?.messages)).not.toMatch(/the zombie speaks/);
});
