// An episode thought by the model of an endpoint, on real servers and a real worker process: what the endpoint's failures
// leave in the record, and that its cost is the sum of all that was used, whichever attempt used it.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getEpisode } from '../../../../src/db/read/episodes.ts';
import { listArtifactsOfSteps } from '../../../../src/db/read/steps.ts';
import type { Episode } from '../../../../src/schemas/episode.ts';
import { ThoughtOutput } from '../../../../src/schemas/step.ts';
import { createDeployment } from '../../../support/deployment.ts';
import type { Deployment } from '../../../support/deployment.ts';
import { startModelServer } from '../../../support/model-server.ts';
import type { ModelServer, Reply } from '../../../support/model-server.ts';
import { expectTrueRecord, stepsOf } from '../../../support/record.ts';
import { BENCHMARK_YAML, SCENE } from '../../../support/synthetic.ts';

const KEY = 'mk-hunter2-hunter2';
const MODEL_PRICES = JSON.stringify({ oracle: { input: 10, cached: 1, output: 100 } });

const WRITE: Reply = {
  text: 'I write down what I checked.',
  calls: [{ name: 'write_file', args: { path: '/review.md', content: 'checked' } }],
  usage: { input: 1_000, output: 50 },
};
const APPROVE: Reply = {
  calls: [{ name: 'finish', args: { decision: 'APPROVED', reason: 'it is done', review_path: '/review.md' } }],
  usage: { input: 2_000, cached: 1_000, output: 10 },
};

let deployment: Deployment;
beforeAll(async () => {
  deployment = await createDeployment();
});
afterAll(() => deployment[Symbol.asyncDispose]());

/** Runs an episode to its end on a worker whose model gives these answers; returns it with what the model was asked. */
async function run(
  replies: Reply[],
  files: Record<string, string> = {},
): Promise<{ episode: Episode; requests: ModelServer['requests'] }> {
  await using server = await startModelServer(replies);
  const model = { MODEL_BASE_URL: server.base_url, MODEL_NAME: 'oracle', MODEL_API_KEY: KEY, MODEL_PRICES };
  Object.assign(deployment.env, model);
  const worker = await deployment.startWorker();
  const accepted = await deployment.accept({ agent: 'single_engineer', model: 'default' }, files);
  await deployment.workflows.startEpisode(accepted);
  const handle = deployment.workflows.client.workflow.getHandle(accepted.workflow_id);
  await handle.result().catch(() => {}); // how it ended is in the record
  await worker.stop();
  return { episode: await getEpisode(deployment.database.db, accepted.id), requests: server.requests };
}

const attemptsOf = async (episodeId: string, seq: number) =>
  (
    await deployment.database.pool.query<Record<string, unknown>>(
      `select a.attempt, a.status, a.error->>'code' as code, a.input_tokens::int, a.output_tokens::int, a.usd::float8 as usd,
              a.usage_unknown, a.started_at, a.ended_at
         from step_attempts a join steps s on s.id = a.step_id where s.episode_id = $1 and s.seq = $2 order by a.attempt`,
      [episodeId, seq],
    )
  ).rows;

test('an episode is approved, and costs the sum of its attempts, also of those that failed', async () => {
  const { episode, requests } = await run([
    { fault: { status: 500 } },
    WRITE,
    { text: 'this breaks off', usage: { input: 1_100, output: 3 }, usage_always: true, fault: 'cut' },
    { text: 'and so does this, without a word of what it used', fault: 'cut' },
    APPROVE,
  ]);
  expect(episode).toMatchObject({ status: 'completed', terminal_reason: 'APPROVED', failure: null });
  await expectTrueRecord(deployment, episode.id);

  // 1000 × 10 + 50 × 100, then 1100 × 10 + 3 × 100, then 1000 × 10 + 1000 × 1 + 10 × 100, all a million
  const usd = (15_000 + 11_300 + 12_000) / 1_000_000;
  expect(episode).toMatchObject({ input_tokens: 4_100, output_tokens: 63 });
  expect(episode.usd).toBeCloseTo(usd, 9);
  const steps = await stepsOf(deployment, episode.id);
  expect(steps.map(({ name, model }) => [name, model])).toEqual([
    ['think', 'oracle'],
    ['write_file', null],
    ['think', 'oracle'],
    ['finish', null],
  ]);
  expect(await attemptsOf(episode.id, 1)).toMatchObject([
    { status: 'error', code: 'model_failed', input_tokens: 0, usd: 0, usage_unknown: false },
    { status: 'ok', code: null, input_tokens: 1_000, output_tokens: 50, usd: 0.015, usage_unknown: false },
  ]);
  expect(await attemptsOf(episode.id, 3)).toMatchObject([
    { status: 'error', code: 'model_failed', input_tokens: 1_100, output_tokens: 3, usd: 0.0113, usage_unknown: false },
    { status: 'error', code: 'model_failed', input_tokens: 0, usd: 0, usage_unknown: true },
    { status: 'ok', input_tokens: 2_000, output_tokens: 10, usd: 0.012, usage_unknown: false },
  ]);
  expect(
    requests.slice(2).map(({ messages }) => messages),
    'every try asks the same',
  ).toEqual(Array(3).fill(requests[2]?.messages));
});

test('what the model does wrong with its tools is told to it as their results', async () => {
  const { episode, requests } = await run([
    {
      calls: [
        { name: 'teleport', args: { to: '/' } },
        { name: 'write_file', args: { path: 5 } },
        { name: 'write_file', args: '{"path": "/half.md", "content": "the first ha' },
      ],
      finish_reason: 'length',
    },
    WRITE,
    APPROVE,
  ]);
  expect(episode.terminal_reason).toBe('APPROVED');
  await expectTrueRecord(deployment, episode.id);
  const steps = await stepsOf(deployment, episode.id);
  expect(steps.slice(1, 4).map(({ name, status, error }) => [name, status, error?.code])).toEqual([
    ['teleport', 'error', 'not_found'],
    ['write_file', 'error', 'invalid_argument'],
    ['write_file', 'error', 'invalid_argument'],
  ]);
  const told = requests[1]?.messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
  expect(told).toEqual([
    expect.stringContaining('there is no tool "teleport": you have list_files,'),
    expect.stringContaining('wrong arguments for write_file'),
    'the arguments of write_file are not a whole JSON object:\n{"path": "/half.md", "content": "the first ha',
  ]);
});

test('an endpoint that asks to wait is left alone for that long', async () => {
  const busy: Reply = { fault: { status: 429, headers: { 'retry-after': '2' }, body: { error: { message: 'busy' } } } };
  const { episode } = await run([busy, WRITE, APPROVE]);
  expect(episode.terminal_reason).toBe('APPROVED');
  const [first, second] = await attemptsOf(episode.id, 1);
  expect(first).toMatchObject({ status: 'error', code: 'unavailable' });
  const waited = Date.parse(String(second?.['started_at'])) - Date.parse(String(first?.['ended_at']));
  expect(waited).toBeGreaterThanOrEqual(1_900);
});

test('an endpoint that refuses is asked once, and the episode says why without showing the key', async () => {
  const message = `Incorrect API key provided: ${KEY}`;
  const { episode, requests } = await run([{ fault: { status: 401, body: { error: { message } } } }]);
  expect(episode).toMatchObject({
    status: 'failed',
    failure: { code: 'unauthenticated', message: expect.stringContaining('answered 401: Incorrect API key provided') },
  });
  expect(requests).toHaveLength(1);
  const { db } = deployment.database;
  const logs = await db.selectFrom('execution_logs').select('text').where('episode_id', '=', episode.id).execute();
  const handle = deployment.workflows.client.workflow.getHandle(episode.workflow_id);
  const kept = JSON.stringify([episode, await stepsOf(deployment, episode.id), logs, await handle.fetchHistory()]);
  expect(kept).not.toContain(KEY);
});

test('a model that sees gets the frames of the video as pictures, byte for byte those on record', async () => {
  Object.assign(deployment.env, { MODEL_IMAGES: 'true' });
  const { episode, requests } = await run(
    [
      { calls: [{ name: 'write_file', args: { path: '/scene.xml', content: SCENE } }] },
      { calls: [{ name: 'simulate', args: {} }] },
      { calls: [{ name: 'inspect_media', args: { path: '/renders/sim-4/sim.mp4' } }] },
      WRITE,
      APPROVE,
    ],
    { '/benchmark_definition.yaml': BENCHMARK_YAML },
  );
  expect(episode.terminal_reason).toBe('APPROVED');
  await expectTrueRecord(deployment, episode.id);
  const shown = requests.map(({ messages }) => messages.flatMap(({ content }) => picturesIn(content)));
  const [before, after] = [shown[2], shown[3]];
  expect(before).toEqual([]);
  const steps = await stepsOf(deployment, episode.id);
  const { images = [] } = ThoughtOutput.parse(steps[6]?.output ?? {});
  expect(after?.map(({ sha256 }) => sha256)).toEqual(images.map(({ sha256 }) => sha256));
  expect(after?.length).toBeGreaterThan(1);
  expect(after?.filter(({ bytes }) => !bytes.subarray(0, 8).equals(PNG_HEAD))).toEqual([]);
  const links = await listArtifactsOfSteps(
    deployment.database.db,
    steps.map(({ id }) => id),
  );
  for (const { path, sha256 } of images)
    expect(links).toContainEqual(expect.objectContaining({ role: 'output', path, sha256, content_type: 'image/png' }));
});

const PNG_HEAD = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** The pictures of a message, as the endpoint decodes them from their data URLs. */
function picturesIn(content: unknown): { bytes: Buffer; sha256: string }[] {
  if (!Array.isArray(content)) return [];
  const parts = content as { type: string; image_url?: { url: string } }[];
  return parts.flatMap(({ image_url }) => {
    const data = image_url?.url.match(/^data:image\/png;base64,(.+)$/)?.[1];
    if (data === undefined) return [];
    const bytes = Buffer.from(data, 'base64');
    return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
}

test('a conversation that outgrew the model is shortened, and the thought says by how much', async () => {
  Object.assign(deployment.env, { MODEL_CONTEXT_TOKENS: '10000' });
  const content = 'a line of a long file\n'.repeat(400);
  const write: Reply = { calls: [{ name: 'write_file', args: { path: '/long.md', content } }] };
  const read: Reply = { calls: [{ name: 'read_file', args: { path: '/long.md' } }] };
  const { episode, requests } = await run([write, ...Array.from({ length: 6 }, () => read), WRITE, APPROVE]);
  expect(episode.terminal_reason).toBe('APPROVED');
  const thoughts = (await stepsOf(deployment, episode.id)).filter(({ kind }) => kind === 'thought');
  const compactions = thoughts.map(({ output }) => ThoughtOutput.parse(output ?? {}).compaction);
  expect(compactions[1]).toBeUndefined();
  const { previous_length = 0, compacted_length = 0 } = compactions.at(-1) ?? {};
  expect(compactions.at(-1)).toMatchObject({
    threshold: 30_000,
    compaction_strategy: 'shorten_older_results_and_calls',
  });
  expect(compacted_length).toBeLessThanOrEqual(30_000);
  expect(compacted_length).toBeLessThan(previous_length);
  const results = requests.at(-1)?.messages.filter(({ role }) => role === 'tool');
  expect(results?.[1]?.content).toMatch(/\[shortened: step 4 holds all \d+ characters; ask again if you need them\]$/);
});
