// Forks and re-runs as the API accepts and refuses them; what becomes of them is in test/integration/episode.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertArtifact } from '../../../src/db/append/artifacts.ts';
import { beginStep } from '../../../src/db/write/steps.ts';
import { createSpanFreezer } from '../../../src/tracing/spans.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { createTestApi, READER, seedEpisode, seedStep, sha256Of } from './test-api.ts';
import type { Loose, TestApi } from './test-api.ts';

let api: TestApi;
let source: Episode;

beforeAll(async () => {
  api = await createTestApi();
  source = await seedEpisode(api, { seed: 7, tags: ['a'], seed_id: 'task-3', seed_dataset: 'held-out' });
  for (const seq of [1, 2, 3])
    await seedStep(api, source, { seq, files: [{ path: `/renders/${seq}.txt`, content: `${seq}` }] });
});
afterAll(() => api[Symbol.asyncDispose]());

const answerOf = async (asked: Response | Promise<Response>): Promise<Loose> => {
  const answer = await asked;
  return { status: answer.status, ...((await answer.json()) as Loose) };
};
const fork = (body: object, headers = {}, id = source.id) =>
  answerOf(api.post(`/v1/episodes/${id}/fork`, body, headers));

test('a fork is accepted with its parent’s task and seed, its own changes, and its parent’s steps', async () => {
  const forked = await fork({ step: 2, seed: 8, message: 'look again' });
  expect(forked).toMatchObject({ status: 'queued', task: source.task, seed: 8, tags: ['a'], seed_id: 'task-3' });
  expect(forked).toMatchObject({ generation_kind: 'fork', parent_episode_id: source.id, forked_from_seq: 2 });
  expect(api.started).toContain(forked.id);
  const { items } = await api.get(`/v1/episodes/${forked.id}/steps`);
  expect(items.map(({ seq, episode_id }: Loose) => [seq, episode_id])).toEqual([1, 2].map((seq) => [seq, source.id]));
  const parents = await api.get(`/v1/episodes/${source.id}/steps/2`);
  expect(items[1].trace_url).toBe(parents.trace_url);
  const files = await api.get(`/v1/episodes/${forked.id}/artifacts`);
  expect(files.items.map(({ path }: Loose) => path)).toEqual(['/renders/1.txt', '/renders/2.txt']);
  expect((await api.call(`/v1/episodes/${forked.id}/steps/3`)).status).toBe(404);
});

test('the same key forks once, and is refused for another fork', async () => {
  const key = { 'idempotency-key': randomUUID() };
  const first = await fork({ step: 1 }, key);
  expect((await fork({ step: 1 }, key)).id).toBe(first.id);
  expect(await fork({ step: 2 }, key)).toMatchObject({ status: 409 });
});

test('what a fork has of its parent stays as it was when the parent is reset', async () => {
  const other = await seedEpisode(api);
  for (const seq of [1, 2]) await seedStep(api, other, { seq });
  const { id } = await fork({ step: 2 }, {}, other.id);
  const idsOf = async (episode: string) =>
    (await api.get(`/v1/episodes/${episode}/steps`)).items.map((step: Loose) => step.id);
  const before = await idsOf(other.id);
  await seedStep(api, other, { seq: 2, run_id: 'run-2' });
  expect(await idsOf(other.id)).not.toEqual(before);
  expect(await idsOf(id)).toEqual(before);
  const later = await fork({ step: 2 }, {}, other.id);
  expect(await idsOf(later.id)).toEqual(await idsOf(other.id));
});

test('a place that cannot be chosen is refused with the nearest that can, an unknown episode not found', async () => {
  const refused = await fork({ step: 9 });
  expect(refused).toMatchObject({ status: 409, detail: expect.stringContaining('The nearest that can: 3.') });
  expect(await fork({ step: 0 }, {}, randomUUID())).toMatchObject({ status: 404 });
  expect(await fork({ step: -1 })).toMatchObject({ status: 400 });
  const byReader = api.call(`/v1/episodes/${source.id}/fork`, {
    method: 'POST',
    key: READER,
    body: '{"step":1}',
    headers: { 'content-type': 'application/json' },
  });
  expect((await byReader).status).toBe(403);
});

test('a fork of which something is missing is refused by its name', async () => {
  const sha256 = sha256Of('lost from the bucket');
  await insertArtifact(api.db, { sha256, size_bytes: 20 });
  const holed = await seedEpisode(api, { inputs: [{ path: '/scene.xml', sha256 }] });
  const refused = await fork({ step: 0 }, {}, holed.id);
  expect(refused).toMatchObject({ status: 409, detail: expect.stringContaining(`/scene.xml (sha256 ${sha256})`) });
});

test('a re-run takes its answers up to the step named, or the last; one of nothing is refused', async () => {
  const rerun = (body: object, id = source.id) => answerOf(api.post(`/v1/episodes/${id}/rerun`, body));
  expect(await rerun({})).toMatchObject({ generation_kind: 'rerun', recorded_until: 3, forked_from_seq: 0 });
  expect(await rerun({ recorded_until: 2 })).toMatchObject({ recorded_until: 2 });
  expect(await rerun({ recorded_until: 4 })).toMatchObject({ status: 409 });
  expect(await rerun({}, (await seedEpisode(api)).id)).toMatchObject({ status: 409 });
});

test('the workspace and conversation of a place are read back; a step that has not ended is no place', async () => {
  const at = (what: string, step: number) => answerOf(api.call(`/v1/episodes/${source.id}/${what}?step=${step}`));
  const empty = sha256Of('{"version":1,"files":[]}');
  expect(await at('workspace', 2)).toMatchObject({ status: 200, seq: 2, sha256: empty, files: [] });
  expect(await at('conversation', 0)).toMatchObject({ status: 200, roles: [] });
  const { roles } = await at('conversation', 2);
  expect(roles).toMatchObject([{ role: 'engineer_planner', messages: [{ role: 'system' }, { role: 'user' }] }]);
  await beginStep(api.db, {
    identity: { episode_id: source.id, run_id: 'run-1', seq: 4, parent_seq: null },
    description: {
      step_key: 'k',
      kind: 'thought',
      agent: 'engineer_planner',
      node: 'agent',
      name: 'think',
      input: null,
      model: null,
      checkpoint_id: null,
      activity_id: '4',
      span_id: '00000000000000ff',
    },
    tryer: null,
    freezeSpan: createSpanFreezer({ namespace: 'test' }),
  });
  expect(await at('workspace', 4)).toMatchObject({ status: 409 });
});
