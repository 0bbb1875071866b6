// Histories are archived and replayed when an episode has ended, and on demand; a replay changes nothing but its verdict.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { listHistories, listReplays } from '../../../src/db/read/replays.ts';
import { startReplay } from '../../../src/runtime/replay/start.ts';
import { workflowBuild } from '../../../src/runtime/temporal/workflow-bundle.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { sentenceOf } from '../../../src/schemas/replay.ts';
import { aftercareIdOf, replayIdOf, taskQueue } from '../../../src/workflows/names.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { observatory, startApi } from '../../support/api-process.ts';

let deployment: Deployment;
let episode: Episode;

beforeAll(async () => {
  deployment = await createDeployment();
  await deployment.startWorker();
  episode = await deployment.play([{ calls: [call('list_files', {}), call('list_files', {})] }]);
  await resultOf(episode.workflow_id);
  episode = await getEpisode(deployment.database.db, episode.id);
  await resultOf(aftercareIdOf(episode.id, episode.run_id ?? ''));
});
afterAll(() => deployment[Symbol.asyncDispose]());

const resultOf = (workflowId: string) => deployment.workflows.client.workflow.getHandle(workflowId).result();
const verdicts = () => listReplays(deployment.database.db, { episode_id: episode.id, limit: 100 });

/** The command line against the deployment, without an API. */
const run = (...args: string[]) => observatory(args, deployment.env);

/** How much of everything there is that a replay must not add to. */
async function counts() {
  const { rows } =
    await sql`select (select count(*) from steps) as steps, (select count(*) from step_attempts) as attempts,
    (select count(*) from trace_outbox) as spans, (select count(*) from artifacts) as artifacts,
    (select count(*) from execution_logs) as lines, (select sum(usd) from episodes) as usd,
    (select sum(last_stream_seq) from episodes) as stream, (select count(*) from langgraph.checkpoints) as checkpoints`.execute(
      deployment.database.db,
    );
  return rows[0];
}

test('when an episode has ended, the history of its run is an artifact, and replays', async () => {
  const { db } = deployment.database;
  const [history, ...others] = await listHistories(db, episode.id);
  expect(others).toEqual([]);
  expect(history).toMatchObject({ run_id: episode.run_id, closed_by: 'WorkflowExecutionCompleted', failed_tasks: 0 });
  const bytes = await deployment.store.readBytes(history?.sha256 ?? '', { maxBytes: 1_000_000 });
  const { events } = JSON.parse(Buffer.from(bytes).toString()) as { events: unknown[] };
  expect(events).toHaveLength(history?.events ?? 0);
  const { build } = await workflowBuild();
  const [verdict] = await verdicts();
  expect(verdict).toMatchObject({ run_id: episode.run_id, verdict: 'deterministic', build });
  expect(verdict?.workflow_tasks).toBe(history?.workflow_tasks);
  expect(verdict && sentenceOf(verdict)).toMatch(/^deterministic: (\d+)\/\1 workflow tasks, build /);
});

test('a replay that is asked for twice is one, and adds no step, span, object, checkpoint or cost', async () => {
  const before = await counts();
  const [earlier] = await verdicts();
  const { client } = deployment.workflows;
  const start = () => startReplay(client, deployment.config.temporal.task_queue_prefix, episode.id);
  await Promise.all([start(), start()]);
  expect(await resultOf(replayIdOf(episode.id))).toEqual({ runs: 1, parted: 0 });
  const after = await verdicts();
  expect(after).toHaveLength(1);
  expect(after[0]?.replayed_at).not.toBe(earlier?.replayed_at);
  expect(await counts()).toEqual(before);
});

test('the sweep archives what was missed', async () => {
  const { db } = deployment.database;
  const [kept] = await listHistories(db, episode.id);
  await db.deleteFrom('workflow_histories').where('episode_id', '=', episode.id).execute();
  await deployment.workflows.client.workflow.execute('CoverageSweepWorkflow', {
    workflowId: `sweep-${episode.id}`,
    taskQueue: taskQueue(deployment.config.temporal.task_queue_prefix, 'maintenance'),
  });
  expect((await listHistories(db, episode.id))[0]?.sha256).toBe(kept?.sha256);
});

test('the command line replays an episode, keeps its verdict, and makes a golden history of it', async () => {
  const told = await run('replay', episode.id, '--json');
  expect(told.code).toBe(0);
  expect(JSON.parse(told.out)).toMatchObject({ deterministic: true, runs: [{ run_id: episode.run_id }] });
  expect((await run('replay')).code).toBe(2);
  const folder = await mkdtemp(join(tmpdir(), 'observatory-test-'));
  try {
    await run('fixture', 'add', episode.id, '--name', 'mine', '--folder', folder);
    expect(await readdir(folder)).toEqual(['mine.json']);
    const text = await readFile(join(folder, 'mine.json'), 'utf8');
    expect(text).not.toContain(deployment.config.temporal.address);
    expect((await run('replay', '--file', join(folder, 'mine.json'))).out).toContain('deterministic: ');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the command line takes the episode away as one file, which verifies and replays', async () => {
  await using api = await startApi(deployment);
  const folder = await mkdtemp(join(tmpdir(), 'observatory-test-'));
  const file = join(folder, 'episode.zip');
  try {
    const taken = await api.run(['bundle', episode.id, '--out', file, '--json']);
    expect(JSON.parse(taken.out)).toMatchObject({ episode_id: episode.id, whole: true });
    expect((await run('bundle', 'verify', file)).out).toContain('is whole');
    expect((await run('replay', '--file', file)).out).toMatch(/^run [0-9a-f-]{36} {2}deterministic: /);
    const shown = await api.run(['episodes', 'show', episode.id]);
    expect(shown.out).toMatch(/^Replay: +deterministic: /m);
    const bytes = await readFile(file);
    const name = bytes.indexOf('checkpoints.jsonl');
    bytes[name + 40] = (bytes[name + 40] ?? 0) ^ 1;
    await writeFile(file, bytes);
    const damaged = await run('bundle', 'verify', file);
    expect(damaged.code).toBe(1);
    expect(damaged.out).toContain('checkpoints.jsonl');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an episode that Temporal has forgotten replays from the archive', async () => {
  const { client } = deployment.workflows;
  await client.workflowService.deleteWorkflowExecution({
    namespace: deployment.config.temporal.namespace,
    workflowExecution: { workflowId: episode.workflow_id, runId: episode.run_id },
  });
  const { out, code } = await run('replay', '--since', '1h');
  expect(out).toMatch(/^[0-9a-f-]{36} {2}run [0-9a-f-]{36} {2}deterministic: /);
  expect(code).toBe(0);
});
