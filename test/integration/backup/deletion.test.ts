/**
 * Goal: a deleted episode is gone everywhere but for its tombstone, and its files go only when nothing needs them any more.
 * Method: real episodes that share a file, told to a Langfuse stand-in; nights are run, and days pass by ageing rows.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startCollector } from '../../../src/langfuse-stand-in/server.ts';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { countBroken } from '../../../src/db/read/recovery.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { until } from '../../../src/embedded/until.ts';
import { openBucket } from '../../../src/runtime/recovery.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import type { EpisodeRetentionReport } from '../../../src/schemas/restore-point.ts';
import { deletionIdOf, EPISODE_RETENTION_WORKFLOW } from '../../../src/workflows/names.ts';
import { createTestDatabase } from '../../support/database.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { expectObjects, stepsOf, untilRow } from '../../support/record.ts';
import { observatory } from '../../support/api-process.ts';
import { removeBucket } from './recovery-deployment.ts';

const KEYS = { public_key: 'pk-lf-tests', secret_key: randomBytes(12).toString('hex') };
const SUFFIX = randomUUID().slice(0, 8);
const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const write = (path: string, content: string) => ({ calls: [call('write_file', { path, content })] });

let collected: Awaited<ReturnType<typeof createTestDatabase>>;
let collector: Awaited<ReturnType<typeof startCollector>>;
let deployment: Deployment;
let gone: Episode;
let stays: Episode;

const untilEnded = ({ id }: Episode) =>
  untilRow(deployment, async () => {
    const episode = await getEpisode(deployment.database.db, id);
    return episode.ended_at === null ? undefined : episode;
  });

beforeAll(async () => {
  collected = await createTestDatabase();
  collector = await startCollector({ databaseUrl: collected.url, port: 0, keys: KEYS });
  const env = {
    ...inject('environment'),
    LANGFUSE_BASE_URL: collector.url,
    LANGFUSE_PUBLIC_KEY: KEYS.public_key,
    LANGFUSE_SECRET_KEY: KEYS.secret_key,
    S3_BUCKET_ARTIFACTS: `deletion-${SUFFIX}-artifacts`,
    S3_BUCKET_BACKUPS: `deletion-${SUFFIX}-backups`,
    RETENTION_MEDIA_DAYS: '30',
    RETENTION_EPISODE_DAYS: '60',
  };
  for (const bucket of [env.S3_BUCKET_ARTIFACTS, env.S3_BUCKET_BACKUPS]) {
    await using made = openBucket(loadConfig(env).s3, bucket);
    await made.names.createBucket();
  }
  deployment = await createDeployment(env);
  await deployment.startWorker();
  gone = await deployment.play([write('/own.md', `own ${SUFFIX}`), write('/shared.md', `shared ${SUFFIX}`)]);
  stays = await deployment.play([write('/shared.md', `shared ${SUFFIX}`)]);
  await untilEnded(gone);
  await untilEnded(stays);
});
afterAll(async () => {
  const { s3 } = deployment.config;
  for (const bucket of [s3.bucket_artifacts, s3.bucket_backups]) {
    await using used = openBucket(s3, bucket);
    await removeBucket(used.names);
  }
  await deployment?.[Symbol.asyncDispose]();
  await collector?.[Symbol.asyncDispose]();
  await collected?.[Symbol.asyncDispose]();
});

/** One night's retention of episodes, as its schedule runs it. */
async function night(): Promise<EpisodeRetentionReport> {
  const prefix = deployment.config.temporal.task_queue_prefix;
  return deployment.workflows.client.workflow.execute(EPISODE_RETENTION_WORKFLOW, {
    taskQueue: `${prefix}maintenance`,
    workflowId: `${prefix}night-${randomUUID()}`,
    args: [],
  });
}
const deletionOf = async (episode: Episode) => {
  await deployment.workflows.deleteEpisode(episode);
  return deployment.workflows.client.workflow.getHandle(deletionIdOf(episode.id)).result();
};
const age = (table: string, column: string, days: number) =>
  deployment.database.pool.query(`update ${table} set ${column} = ${column} - make_interval(days => $1)`, [days]);

/** Tables that hold rows of the episode, with how many. */
async function traces({ id }: Episode): Promise<Record<string, number>> {
  const { pool } = deployment.database;
  const { rows: tables } = await pool.query<{ name: string; condition: string }>(`
    select table_name as name, 'episode_id = $1::uuid' as condition from information_schema.columns
      where table_schema = 'public' and column_name = 'episode_id' and data_type = 'uuid'
    union all select 'episodes', 'id = $1::uuid'
    union all select 'langgraph.' || table_name, 'starts_with(thread_id, $1)' from information_schema.columns
      where table_schema = 'langgraph' and column_name = 'thread_id'`);
  const found: Record<string, number> = {};
  for (const { name, condition } of tables) {
    const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n from ${name} where ${condition}`, [id]);
    if (rows[0]?.n) found[name] = rows[0].n;
  }
  return found;
}

test('an episode that has not ended is not deleted', async () => {
  const open = await deployment.play([{ calls: [call('ask_person', { question: 'Well?' })] }]);
  await untilRow(deployment, async () =>
    (await stepsOf(deployment, open.id)).find(({ kind, status }) => kind === 'human' && status === 'running'),
  );
  await expect(deletionOf(open)).rejects.toThrow('Workflow execution failed');
  expect(await getEpisode(deployment.database.db, open.id)).toMatchObject({ status: 'waiting' });
  await deployment.workflows.cancelEpisode(open);
  await untilEnded(open);
});

test('a deleted episode leaves a tombstone, here, in Langfuse and in Temporal nothing', async () => {
  expect(Object.keys(await traces(gone))).toEqual(
    expect.arrayContaining(['episodes', 'steps', 'trace_outbox', 'langgraph.checkpoints']),
  );
  const toldOf = async () => {
    const observations = sql<{
      n: number;
    }>`select count(*)::int as n from collector.observations o where trace_id = ${gone.trace_id}
      and not exists (select from collector.deleted_traces d where d.id = o.trace_id)`;
    return (await observations.execute(collected.client.db)).rows[0]?.n ?? 0;
  };
  await until({
    what: 'Langfuse hears of the episode',
    duration_ms_max: 60_000,
    attempt: async () => ((await toldOf()) > 0 ? true : undefined),
  });
  expect((await observatory(['backup', 'run', '--json'], deployment.env)).code).toBe(0);
  expect(await deletionOf(gone)).toMatchObject({ deleted: 1 });
  expect(await traces(gone)).toEqual({});
  await expect(getEpisode(deployment.database.db, gone.id)).rejects.toMatchObject({ code: 'not_found' });
  const [tombstone] = await deployment.database.db.selectFrom('deleted_episodes').selectAll().execute();
  expect(tombstone).toMatchObject({ id: gone.id, reason: 'asked', temporal: 'forgotten' });
  await until({
    what: 'Langfuse is asked to delete the trace',
    duration_ms_max: 60_000,
    attempt: async () => ((await toldOf()) === 0 ? true : undefined),
  });
  await until({
    what: 'Temporal forgets the run',
    duration_ms_max: 60_000,
    attempt: async () =>
      deployment.workflows.client.workflow
        .getHandle(gone.workflow_id)
        .describe()
        .then(
          () => undefined,
          (error: unknown) => error instanceof WorkflowNotFoundError || undefined,
        ),
  });
  expect(await deletionOf(gone), 'twice is once').toMatchObject({ deleted: 0 });
});

test('files go two days after nothing refers to them, unless a restore point does, and shared ones stay', async () => {
  const { store, database } = deployment;
  const own = hash(`own ${SUFFIX}`);
  expect((await night()).artifacts, 'too young').toEqual({ marked: 0, removed: 0, refused: null });
  await age('artifacts', 'created_at', 3);
  const { artifacts } = await night();
  expect(artifacts).toMatchObject({ removed: 0, refused: null });
  expect(artifacts?.marked).toBeGreaterThan(0);
  expect(await store.stat(own)).toBeDefined();
  await age('artifacts', 'deleted_at', 3);
  expect((await night()).artifacts, 'the restore point needs them').toEqual({ marked: 0, removed: 0, refused: null });
  await using backups = openBucket(deployment.config.s3, deployment.config.s3.bucket_backups);
  const points: string[] = [];
  for await (const { key } of backups.names.list('points/')) points.push(key);
  await backups.names.remove(points);
  expect((await night()).artifacts).toEqual({ marked: 0, removed: artifacts?.marked, refused: null });
  expect(await store.stat(own)).toBeUndefined();
  expect(await store.stat(hash(`shared ${SUFFIX}`))).toBeDefined();
  expect(await expectObjects(deployment)).toBeGreaterThan(0);
  expect(await countBroken(database.db)).toEqual({ dangling_links: 0, unvalidated: 0 });
});

test('with age an episode lets go of its logs and videos first, and then of all', async () => {
  const { db } = deployment.database;
  await age('episodes', 'ended_at', 40);
  const { log_line_count } = await getEpisode(db, stays.id);
  expect(log_line_count).toBeGreaterThan(0);
  expect((await night()).media_deleted).toBe(2);
  expect(await traces(stays)).not.toHaveProperty('execution_logs');
  expect(await getEpisode(db, stays.id)).toMatchObject({ status: 'completed', log_line_count });
  expect((await getEpisode(db, stays.id)).media_deleted_at).not.toBeNull();
  await age('episodes', 'ended_at', 40);
  expect(await night()).toMatchObject({ deleted: 2, kept: 0, media_deleted: 0 });
  expect(await traces(stays)).toEqual({});
  const reasons = await db.selectFrom('deleted_episodes').select(['id', 'reason']).execute();
  expect(new Map(reasons.map(({ id, reason }) => [id, reason])).get(stays.id)).toBe('age');
});
