// An episode on real servers and a real worker process: what its record holds, and what of it people see.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoRequest } from '../../../src/cli/demo-inputs.ts';
import { listArtifactsOfSteps } from '../../../src/db/read/steps.ts';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { listEvents } from '../../../src/db/read/events.ts';
import { listLogs } from '../../../src/db/read/logs.ts';
import type { HistoryEvents } from '../../../src/runtime/temporal/history.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { findEventSchema } from '../../../src/schemas/events/registry.ts';
import { rebuildWorkspace, serializeManifest } from '../../../src/storage/workspace-manifest.ts';
import { scanWorkspace } from '../../../src/storage/workspace-scan.ts';
import { createHash } from 'node:crypto';
import { AGENT_NAME, EPISODE_OUTCOME, EPISODE_STATUS, EPISODE_TASK } from '../../../src/workflows/search-attributes.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { startFork } from '../../support/fork.ts';
import { expectObjects, expectTrueRecord, stepsOf, untilRow } from '../../support/record.ts';

const run = promisify(execFile);
let deployment: Deployment;
let demo: string;

beforeAll(async () => {
  deployment = await createDeployment();
  await deployment.startWorker();
  const { request, files } = await demoRequest();
  const episode = await deployment.accept(
    request,
    Object.fromEntries(files.map(({ path, content }) => [path, content])),
  );
  demo = episode.id;
  await deployment.workflows.startEpisode(episode);
  await deployment.workflows.client.workflow.getHandle(episode.workflow_id).result();
});
afterAll(() => deployment[Symbol.asyncDispose]());

test('the demo is approved, and its record is whole', async () => {
  const episode = await getEpisode(deployment.database.db, demo);
  expect(episode).toMatchObject({ status: 'completed', terminal_reason: 'APPROVED', failure: null });
  await expectTrueRecord(deployment, demo);
});

test('every artifact is an object whose bytes hash to its id', async () => {
  expect(await expectObjects(deployment)).toBeGreaterThan(10);
});

test('every step that changed the workspace links to the files it made, each turn to its git archive', async () => {
  const steps = await stepsOf(deployment, demo);
  const links = await listArtifactsOfSteps(
    deployment.database.db,
    steps.map(({ id }) => id),
  );
  const pathsOf = (name: string) =>
    steps
      .filter((step) => step.name === name)
      .map(({ id }) => links.filter((link) => link.step_id === id && link.role === 'output').map(({ path }) => path));
  for (const paths of pathsOf('write_file')) expect(paths).toHaveLength(1);
  expect(pathsOf('execute_command')[0]).toEqual(expect.arrayContaining(['/scene.xml', '/funnel.stl']));
  for (const name of ['submit_engineering_plan', 'submit_for_review', 'finish'])
    for (const paths of pathsOf(name)) expect(paths).toEqual([expect.stringMatching(/turn-\d+\.bundle$/)]);
});

test('the last archive is a git bundle: its clone holds the files as they stood, in one commit a turn', async () => {
  const steps = await stepsOf(deployment, demo);
  const ids = steps.map(({ id }) => id);
  const archives = (await listArtifactsOfSteps(deployment.database.db, ids)).filter(
    ({ kind }) => kind === 'GIT_ARCHIVE',
  );
  const last = steps.findLast(({ id }) => archives.some(({ step_id }) => step_id === id));
  const archive = archives.find(({ step_id }) => step_id === last?.id);
  const root = await mkdtemp(join(tmpdir(), 'observatory-test-'));
  try {
    await deployment.store.readToFile(archive?.sha256 ?? '', join(root, 'turn.bundle'));
    const git = async (...args: string[]) => (await run('git', args, { cwd: root })).stdout.trim();
    await git('clone', '--quiet', 'turn.bundle', 'clone');
    expect(await git('-C', 'clone', 'log', '--format=%an: %s')).toMatch(/^engineer_execution_reviewer: .*APPROVED\n/);
    expect(Number(await git('-C', 'clone', 'rev-list', '--count', 'HEAD'))).toBe(archives.length);
    await rm(join(root, 'clone/.git'), { recursive: true });
    const { manifest } = await scanWorkspace(join(root, 'clone'));
    expect(createHash('sha256').update(serializeManifest(manifest)).digest('hex')).toBe(last?.workspace_sha256);
  } finally {
    await rm(root, { recursive: true });
  }
});

test('the workspace rebuilt from its manifest equals the original by hash', async () => {
  const hashes = (await stepsOf(deployment, demo)).flatMap(({ workspace_sha256 }) => workspace_sha256 ?? []);
  const root = await mkdtemp(join(tmpdir(), 'observatory-test-'));
  try {
    for (const sha256 of new Set(hashes)) {
      const dir = join(root, sha256);
      await rebuildWorkspace(deployment.store, sha256, dir);
      const { manifest } = await scanWorkspace(dir);
      expect(createHash('sha256').update(serializeManifest(manifest)).digest('hex')).toBe(sha256);
    }
  } finally {
    await rm(root, { recursive: true });
  }
});

test('what the agents did is told in events of the catalogue, each by the step that it happened in', async () => {
  const { db } = deployment.database;
  const events = await listEvents(db, { episode_id: demo, after: 0, limit: 1_000 });
  const byType = Map.groupBy(events, ({ type }) => type);
  const counts = Object.fromEntries([...byType].map(([type, { length }]) => [type, length]));
  const steps = Map.groupBy(await stepsOf(deployment, demo), ({ name }) => name);
  const times = (name: string) => steps.get(name)?.filter(({ status }) => status === 'ok').length;
  expect(counts).toMatchObject({
    write_file_tool: times('write_file'),
    edit_files_tool: times('edit_file'),
    read_file_tool: times('read_file'),
    run_command_tool: times('execute_command'),
    cots_search: times('search_cots_catalog'),
    inspect_media_tool: times('inspect_media'),
    media_inspection: times('inspect_media'),
    simulation_request: times('simulate'),
    simulation_result: times('simulate'),
    plan_submission_engineer: times('submit_engineering_plan'),
    review_decision: times('finish'),
    component_usage: expect.any(Number),
  });
  const review = events.findLast(({ type }) => type === 'review_decision');
  expect(review).toMatchObject({
    agent: 'engineer_execution_reviewer',
    attempt: 1,
    sanitized: false,
    payload: { decision: 'APPROVED', evidence_stats: { has_sim_report: true, simulations_run: times('simulate') } },
  });
  for (const event of events)
    expect(findEventSchema(event.type, event.v)?.shape.payload.safeParse(event.payload).success).toBe(true);
  const logs = await listLogs(db, { episode_id: demo, after: 0, limit: 10_000, stream: 'system' });
  expect(logs.filter(({ text }) => text.includes('was left out'))).toEqual([]);
});

test('a fork in a later role’s turn goes on in that turn, with the films that its parent’s steps made', async () => {
  const parent = await getEpisode(deployment.database.db, demo);
  const before = await stepsOf(deployment, demo);
  const looking = before.findLast(({ name }) => name === 'inspect_media');
  const seq = looking?.parent_seq ?? 0;
  const fork = await startFork(deployment, parent, { seq });
  await deployment.workflows.client.workflow.getHandle(fork.workflow_id).result();
  const after = await stepsOf(deployment, fork.id);
  const told = ({ agent, name, status }: (typeof after)[number]) => ({ agent, name, status });
  expect(after.map(told)).toEqual(before.map(told));
  const again = after.find((step) => step.seq === looking?.seq);
  expect(again).toMatchObject({ episode_id: fork.id, output: looking?.output, status: 'ok' });
  expect(await getEpisode(deployment.database.db, fork.id)).toMatchObject({ terminal_reason: 'APPROVED' });
  await expectTrueRecord(deployment, fork.id);
});

test('history holds ids, not contents, and every activity has a summary that people can read', async () => {
  const episode = await getEpisode(deployment.database.db, demo);
  const handle = deployment.workflows.client.workflow.getHandle(episode.workflow_id);
  const { events = [] } = await handle.fetchHistory();
  expect(JSON.stringify(events)).not.toContain('aluminum_6061');
  const summaries = summariesOf(events ?? []);
  expect(summaries).toContain('35 · execute_command node');
  expect(summaries).toContain('7 · write_file /engineering_plan.md');
  for (const summary of summaries)
    expect(summary).toMatch(/^(\d+ · \w|begin$|end · takes in the last calls$|end · APPROVED$)/);
  // A thought carries its role, and none is told of that nobody had.
  const steps = await stepsOf(deployment, demo);
  const told = summaries.filter((summary) => summary.includes(' thinks'));
  const thoughts = steps.filter(({ kind }) => kind === 'thought');
  const failed = Map.groupBy(
    steps.filter(({ status }) => status === 'error'),
    ({ parent_seq }) => parent_seq,
  );
  expect(told).toEqual(
    thoughts.map(({ seq, agent }, index) => {
      const marks = failed
        .get(thoughts[index - 1]?.seq ?? -1)
        ?.map(({ name, error }) => ` · ✗ ${name}: ${error?.code}`);
      return `${seq} · ${agent} thinks${marks?.join('') ?? ''}`;
    }),
  );
  expect(summaries.slice(-2)).toEqual(['end · takes in the last calls', 'end · APPROVED']);
  const { typedSearchAttributes } = await handle.describe();
  const found = [EPISODE_STATUS, EPISODE_OUTCOME, AGENT_NAME, EPISODE_TASK].map((key) =>
    typedSearchAttributes.get(key),
  );
  const task_line = episode.task.split('\n', 1)[0];
  expect(found).toEqual([
    'completed',
    'APPROVED',
    'mechanism_engineer',
    expect.stringContaining(task_line?.slice(0, 90) ?? ''),
  ]);
  const [input] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  expect(defaultPayloadConverter.fromPayload(input ?? {})).toMatchObject({
    task_line: found[3],
    page_url: `${deployment.config.api.public_url}/episodes/${demo}`,
  });
});

test('a call that failed is marked in the next thought and in the details, by its code alone; a fork says whose turn it is', async () => {
  const episode = await deployment.play([{ calls: [call('read_file', { path: '/secret-name' })] }]);
  const told = await toldOf(episode);
  expect(told.summaries.slice(1, 4)).toEqual([
    '1 · engineer thinks',
    '2 · read_file /secret-name',
    '3 · engineer thinks · ✗ read_file: not_found',
  ]);
  expect(told.details).toContain(`[The episode's page](${deployment.config.api.public_url}/episodes/${episode.id})`);
  const fork = await toldOf(
    await startFork(deployment, await getEpisode(deployment.database.db, episode.id), { seq: 2 }),
  );
  expect(fork.summaries.slice(1, 3)).toEqual(['go on after step 2', '3 · engineer thinks']);
});

/** What Temporal's UI shows of an episode that ends: its activities' summaries, and its current details. */
async function toldOf({ workflow_id }: Episode) {
  const handle = deployment.workflows.client.workflow.getHandle(workflow_id);
  await handle.result();
  const { events } = await handle.fetchHistory();
  const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  return { summaries: summariesOf(events ?? []), details: currentDetails };
}

const summariesOf = (events: HistoryEvents): string[] =>
  events
    .filter((event) => event.activityTaskScheduledEventAttributes)
    .map(({ userMetadata }) => JSON.parse(Buffer.from(userMetadata?.summary?.data ?? '""').toString()) as string);

test('what a command writes is in the log, in order, within 500 ms and while the command runs', async () => {
  const command = 'for i in 1 2 3; do echo out $i; echo err $i >&2; sleep 0.4; done';
  const episode = await deployment.play([{ calls: [call('execute_command', { command })] }]);
  const lags: number[] = [];
  const seen = await untilRow(deployment, async () => {
    const { rows } = await deployment.database.pool.query<{ lag: number; running: boolean; text: string }>(
      `select (extract(epoch from clock_timestamp() - at) * 1000)::float8 as lag, s.status = 'running' as running, text
         from execution_logs l join steps s on s.id = l.step_id where l.episode_id = $1 and stream in ('stdout', 'stderr')
         order by stream_seq`,
      [episode.id],
    );
    for (const { lag } of rows.slice(lags.length)) lags.push(lag);
    return rows.length >= 4 && rows.some(({ running }) => running) ? rows : undefined;
  });
  expect(Math.max(...lags.slice(0, seen.length))).toBeLessThan(500);
  await deployment.workflows.client.workflow.getHandle(episode.workflow_id).result();
  const lines = await listLogs(deployment.database.db, { episode_id: episode.id, after: 0, limit: 100 });
  expect(lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text)).toEqual([
    'out 1',
    'out 2',
    'out 3',
  ]);
  expect(lines.filter(({ stream }) => stream === 'stderr').map(({ text }) => text)).toEqual([
    'err 1',
    'err 2',
    'err 3',
  ]);
});
