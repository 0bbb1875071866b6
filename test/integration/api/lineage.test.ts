import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertArtifact } from '../../../src/db/append/artifacts.ts';
import { createTestApi, seedEpisode, seedStep, sha256Of } from './test-api.ts';
import type { Loose, TestApi } from './test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

const file = (path: string, content: string, role: 'input' | 'output' = 'output') => ({ path, content, role });

test('an artifact’s lineage goes from the files that an episode began with to what came of them', async () => {
  const given = await api.store.put(Buffer.from('benchmark'), { contentType: 'text/plain' });
  await insertArtifact(api.db, given);
  const episode = await seedEpisode(api, { inputs: [{ path: '/benchmark.yaml', sha256: given.sha256 }] });
  await seedStep(api, episode, {
    seq: 1,
    files: [file('/benchmark.yaml', 'benchmark', 'input'), file('/scene.xml', 'scene')],
  });
  const workspace = sha256Of('scene');
  await api.db.updateTable('steps').set({ workspace_sha256: workspace }).where('episode_id', '=', episode.id).execute();
  await seedStep(api, episode, {
    seq: 2,
    files: [file('/scene.xml', 'scene', 'input'), file('/renders/sim.mp4', 'film')],
  });
  await seedStep(api, episode, {
    seq: 3,
    files: [file('/renders/sim.mp4', 'film', 'input'), file('/review.md', 'good')],
  });

  const lineage = await api.get(`/v1/artifacts/${sha256Of('film')}/lineage?depth=1`);
  expect(lineage.truncated).toBe(false);
  expect(lineage.nodes.map(({ sha256, distance }: Loose) => [sha256, distance])).toEqual([
    [sha256Of('film'), 0],
    [sha256Of('scene'), -1],
    [sha256Of('good'), 1],
  ]);
  const [film] = lineage.nodes;
  expect(film.written_by).toEqual([
    expect.objectContaining({
      episode_id: episode.id,
      seq: 2,
      attempt: 1,
      worker: 'worker-1',
      build: 'build-1',
      superseded: false,
      path: '/renders/sim.mp4',
      workspace_sha256: workspace,
      inputs: [{ path: '/scene.xml', sha256: sha256Of('scene'), kind: 'OTHER' }],
    }),
  ]);
  expect(film.read_by).toEqual([
    expect.objectContaining({ seq: 3, outputs: [{ path: '/review.md', sha256: sha256Of('good'), kind: 'OTHER' }] }),
  ]);

  const { nodes } = await api.get(`/v1/artifacts/${sha256Of('film')}/lineage`);
  const source = nodes.find(({ sha256 }: Loose) => sha256 === given.sha256);
  expect(source).toMatchObject({
    distance: -2,
    written_by: [],
    read_by: [{ seq: 1 }],
    given_to: [{ episode_id: episode.id, path: '/benchmark.yaml' }],
  });
});

test('what is in every episode is cut, which is said; what nobody linked stands alone; what is not there is not found', async () => {
  const episode = await seedEpisode(api);
  for (let seq = 1; seq <= 21; seq++) await seedStep(api, episode, { seq, files: [file('/same.txt', 'same')] });
  const { nodes, truncated } = await api.get(`/v1/artifacts/${sha256Of('same')}/lineage`);
  expect([nodes[0].written_by.length, truncated]).toEqual([20, true]);
  const alone = await api.store.put(Buffer.from('alone'), { contentType: 'text/plain' });
  await insertArtifact(api.db, alone);
  expect(await api.get(`/v1/artifacts/${alone.sha256}/lineage`)).toEqual({
    sha256: alone.sha256,
    nodes: [{ sha256: alone.sha256, distance: 0, written_by: [], read_by: [], given_to: [] }],
    truncated: false,
  });
  expect((await api.call(`/v1/artifacts/${'0'.repeat(64)}/lineage`)).status).toBe(404);
  expect((await api.call(`/v1/artifacts/${alone.sha256}/lineage?depth=6`)).status).toBe(400);
});
