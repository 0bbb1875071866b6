// Histories, replays and bundles as the API serves them; what a replay does is tested where workers run.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBundledHistories, verifyBundle } from '../../../src/cli/bundle-file.ts';
import { insertArtifact } from '../../../src/db/append/artifacts.ts';
import { beginEpisode, endEpisode } from '../../../src/db/write/episodes.ts';
import { insertHistory, upsertReplay } from '../../../src/db/write/replays.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { BUILD, createTestApi, READER, seedEpisode, seedStep, sha256Of } from './test-api.ts';
import type { TestApi } from './test-api.ts';

const GOLDEN = join(import.meta.dirname, '../../replay/histories/rejected.json');
const RUN = 'run-1';

let api: TestApi;
let episode: Episode;
let history: string;
let folder: string;

beforeAll(async () => {
  api = await createTestApi();
  folder = await mkdtemp(join(tmpdir(), 'observatory-test-'));
  history = await readFile(GOLDEN, 'utf8');
  episode = await seedEpisode(api);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await api[Symbol.asyncDispose]();
});

const url = (path: string) => `/v1/episodes/${episode.id}/${path}`;
const start = async () => {
  const answer = await api.post(url('replays'), {});
  return { status: answer.status, body: (await answer.json()) as { state?: string; items?: object[] } };
};

test('an episode that has not begun has no history to replay; one that runs is replayed, by operators only', async () => {
  expect((await start()).status).toBe(409);
  await beginEpisode(api.db, episode.id, RUN);
  await seedStep(api, episode, { seq: 1, run_id: RUN, files: [{ path: '/a.txt', content: 'a file of the episode' }] });
  expect((await api.call(url('replays'), { method: 'POST', key: READER })).status).toBe(403);
  expect(await start()).toEqual({ status: 202, body: { state: 'running', items: [] } });
  expect(api.replayed).toEqual([episode.id]);
});

test('once this build has judged an ended episode, asking again answers its verdict', async () => {
  const outcome = { status: 'completed', terminal_reason: 'APPROVED', failure_class: null, failure: null } as const;
  await endEpisode(api.db, episode.id, outcome);
  const verdict = {
    episode_id: episode.id,
    run_id: RUN,
    verdict: 'nondeterministic' as const,
    events: 105,
    workflow_tasks: 18,
    replayed_tasks: 15,
    uncovered: null,
    detail: null,
    mismatch: { event_id: 87, history: 'ActivityTaskScheduled(simulate)', code: 'ActivityTaskScheduled(callTool)' },
  };
  await upsertReplay(api.db, { ...verdict, build: 'of-another-build' });
  expect((await start()).status).toBe(202);
  await upsertReplay(api.db, { ...verdict, build: BUILD });
  const { status, body } = await start();
  expect(status).toBe(200);
  const sentence = `NONDETERMINISM at event 87: history ActivityTaskScheduled(simulate), code ActivityTaskScheduled(callTool) (15/18 workflow tasks, build ${BUILD})`;
  expect(body).toMatchObject({ state: 'done', items: [{ ...verdict, build: BUILD, sentence }] });
  expect((await api.get(url('replays'))).items).toHaveLength(2);
});

test('archived histories are listed with the address of their JSON', async () => {
  const stored = await api.store.put(Buffer.from(history), { contentType: 'application/json' });
  await insertArtifact(api.db, stored);
  const counts = { events: 66, workflow_tasks: 11, failed_tasks: 0, closed_by: 'WorkflowExecutionCompleted' };
  await insertHistory(api.db, { episode_id: episode.id, run_id: RUN, sha256: stored.sha256, build: BUILD, ...counts });
  const [item] = (await api.get(url('history'))).items;
  expect(item).toMatchObject({ run_id: RUN, ...counts });
  expect(await (await api.call(item.href)).text()).toBe(history);
});

test('a bundle holds the episode whole, names a changed byte wherever it is, and replays', async () => {
  const answer = await api.call(url('bundle'), { key: READER });
  expect(answer.headers.get('content-type')).toBe('application/zip');
  const bytes = Buffer.from(await answer.arrayBuffer());
  const file = join(folder, 'bundle.zip');
  await writeFile(file, bytes);
  const whole = await verifyBundle(file);
  expect(whole).toMatchObject({ episode_id: episode.id, findings: [] });
  expect(await Array.fromAsync(readBundledHistories(file))).toEqual([history]);
  const names = [
    `artifacts/${sha256Of('a file of the episode')}`,
    `histories/${RUN}.json`,
    'steps.jsonl',
    'logs.jsonl',
  ];
  for (const name of names) {
    const at = placeOf(bytes, name);
    expect(await verifyBundle(await changed(bytes, at)).then(({ findings }) => findings.join('\n'))).toContain(name);
  }
  for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 60))
    expect((await verifyBundle(await changed(bytes, at))).findings).not.toEqual([]);
  await writeFile(file, bytes.subarray(0, -300));
  expect((await verifyBundle(file)).findings).not.toEqual([]);
});

/** Where the contents of a file of an archive begin: behind its name in the header before them. */
function placeOf(archive: Buffer, name: string): number {
  const header = archive.indexOf(name) - 30;
  return header + 30 + name.length + archive.readUInt16LE(header + 28) + 3;
}

async function changed(archive: Buffer, at: number): Promise<string> {
  const other = Buffer.from(archive);
  other[at] = (other[at] ?? 0) ^ 0x10;
  const file = join(folder, 'changed.zip');
  await writeFile(file, other);
  return file;
}
