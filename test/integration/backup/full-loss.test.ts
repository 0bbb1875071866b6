/**
 * Goal: after the loss of database and bucket every row and byte is back, and what was open goes on to its end, whatever
 * Temporal remembers.
 * Method: real episodes and one restore point; what happens after its snapshot is told to Langfuse and then lost. The point
 * is restored three times: onto the Temporal that saw it all, onto a copy of it from before the snapshot, onto an empty one.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { backup, DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { urlOfDatabase } from '../../../src/backup/postgres-tools.ts';
import { startCollector } from '../../../src/langfuse-stand-in/server.ts';
import { createDatabase } from '../../../src/db/client.ts';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { listTableFigures } from '../../../src/db/read/recovery.ts';
import { until } from '../../../src/embedded/until.ts';
import { startServers } from '../../../src/embedded/stack.ts';
import type { RunningServers } from '../../../src/embedded/stack.ts';
import { cacheFolder, loadConfig, processEnvironment } from '../../../src/config/config.ts';
import { openBucket, openRecovery } from '../../../src/runtime/recovery.ts';
import { openEpisodeWorkflows } from '../../../src/runtime/temporal/client.ts';
import { s3Options } from '../../../src/runtime/artifact-store.ts';
import { reconcile } from '../../../src/runtime/reconcile.ts';
import type { Reconciliation } from '../../../src/runtime/reconcile.ts';
import { setUpDeployment } from '../../../src/runtime/set-up.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { createS3ObjectStore } from '../../../src/storage/s3.ts';
import { APPROVAL, call, createDeployment, startWorkerProcess } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { createTestDatabase } from '../../support/database.ts';
import { expectObjects, expectTrueRecord, stepsOf, untilRow } from '../../support/record.ts';
import { observatory, startApi } from '../../support/api-process.ts';
import { removeBucket } from './recovery-deployment.ts';
import { answerStep } from '../../support/people.ts';

const SUFFIX = randomUUID().slice(0, 8);
const KEYS = { public_key: 'pk-lf-tests', secret_key: randomBytes(12).toString('hex') };
const STATES = ['newer', 'older', 'empty'] as const;
type State = (typeof STATES)[number];
type Read = Pick<Deployment, 'database' | 'store'>;

let folder: string;
let collector: Awaited<ReturnType<typeof startCollector>>;
let collected: Awaited<ReturnType<typeof createTestDatabase>>;
let deployment: Deployment;
let langfuse: Record<string, string>;
let ended: Episode;
let open: Episode;
let late: Episode;
let manifest: { id: string; database: { tables: { name: string; rows: number; rows_hash: string }[] } };
const temporals = {} as Record<State, RunningServers>;
const homes = {} as Record<State, string>;

const ask = (question: string) => ({ calls: [call('ask_person', { question })] });
const write = (path: string) => ({ calls: [call('write_file', { path, content: `this is ${path}` })] });

async function startTemporal(state: State): Promise<RunningServers> {
  const { TEMPORAL_ADDRESS: _, ...env } = inject('environment');
  const cache = cacheFolder(processEnvironment());
  const servers = await startServers({ home: homes[state], env, log: () => {}, cache, ports: 'any' });
  temporals[state] = servers;
  return servers;
}

/** The step that asks, once there is one; of this run, where one is named: another's may still stand there unanswered. */
const untilAsked = (read: Read, { id }: Episode, { question, run }: { question: string; run?: string | undefined }) =>
  untilRow(read as Deployment, async () =>
    (await stepsOf(read as Deployment, id)).find(
      ({ kind, status, input, run_id }) =>
        kind === 'human' &&
        status === 'running' &&
        (input as { question?: string }).question === question &&
        run_id === (run ?? run_id),
    ),
  );
const untilEnded = (read: Read, id: string) =>
  untilRow(read as Deployment, async () => {
    const episode = await getEpisode(read.database.db, id);
    return episode.ended_at === null ? undefined : episode;
  });

/** Runs the command line against a deployment; returns what it printed as JSON. */
async function run(args: string[], env: Record<string, string>): Promise<Record<string, never>> {
  const { code, out, err } = await observatory([...args, '--json'], env);
  if (code !== 0) throw new Error(`${args.join(' ')}\n${out}${err}`);
  return JSON.parse(out);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'observatory-loss-'));
  for (const state of STATES) homes[state] = await mkdtemp(join(tmpdir(), `observatory-${state}-`));
  collected = await createTestDatabase();
  collector = await startCollector({ databaseUrl: collected.url, port: 0, keys: KEYS });
  langfuse = {
    LANGFUSE_BASE_URL: collector.url,
    LANGFUSE_PUBLIC_KEY: KEYS.public_key,
    LANGFUSE_SECRET_KEY: KEYS.secret_key,
  };
  const own = { S3_BUCKET_ARTIFACTS: `loss-${SUFFIX}-artifacts`, S3_BUCKET_BACKUPS: `loss-${SUFFIX}-backups` };
  const servers = { ...(await startTemporal('newer')).env, ...own };
  const { s3 } = loadConfig(servers);
  for (const bucket of Object.values(own)) {
    await using made = openBucket(s3, bucket);
    await made.names.createBucket();
  }
  deployment = await createDeployment(servers);
  const worker = await deployment.startWorker();
  ended = await deployment.play([write('/first.md')]);
  await untilEnded(deployment, ended.id);
  open = await deployment.play([write('/open.md'), ask('one?'), write('/second.md'), ask('two?')]);
  const first = await untilAsked(deployment, open, { question: 'one?' });
  // What Temporal knew before the snapshot.
  await mkdir(join(homes.older, 'temporal'), { recursive: true });
  const live = new DatabaseSync(join(homes.newer, 'temporal/temporal.db'), { readOnly: true, timeout: 10_000 });
  await backup(live, join(homes.older, 'temporal/temporal.db'), { rate: 2 ** 31 - 1 });
  live.close();
  const said = { text: 'yes' };
  await answerStep(deployment, open, { step: first.seq, ...said });
  await untilAsked(deployment, open, { question: 'two?' });
  await run(['backup', 'run'], deployment.env);
  manifest = (await run(['backup', 'show', 'latest'], deployment.env)) as unknown as typeof manifest;
  // From here on it is lost, but Langfuse hears all of it, also of what the snapshot still holds as untold.
  await worker.kill();
  const told = await startWorkerProcess({ ...deployment.env, ...langfuse });
  const second = await untilAsked(deployment, open, { question: 'two?' });
  await answerStep(deployment, open, { step: second.seq, ...said });
  await untilEnded(deployment, open.id);
  late = await deployment.play([ask('who?')]);
  await untilAsked(deployment, late, { question: 'who?' });
  await until({
    what: 'Langfuse hears of everything',
    duration_ms_max: 60_000,
    attempt: async () => {
      const { rows } = await deployment.database.pool.query(
        `select from trace_outbox where state <> 'confirmed' and subject <> 'score'`,
      );
      return rows.length === 0 ? true : undefined;
    },
  });
  await told.kill();
  await writeFile(join(folder, 'transcript.json'), JSON.stringify({ lines: { engineer: APPROVAL } }));
  await Promise.all([startTemporal('older'), startTemporal('empty')]);
  // The loss.
  await deployment.database.pool.query(
    'drop schema public cascade; drop schema langgraph cascade; create schema public',
  );
  await using lost = openBucket(s3, own.S3_BUCKET_ARTIFACTS);
  await removeBucket(lost.names);
}, 180_000);
afterAll(async () => {
  await deployment?.[Symbol.asyncDispose]();
  await Promise.all(Object.values(temporals).map(async (servers) => servers.stop()));
  await collector?.[Symbol.asyncDispose]();
  await collected?.[Symbol.asyncDispose]();
  for (const path of [folder, ...Object.values(homes)]) await rm(path, { recursive: true, force: true });
}, 60_000);

test.each(STATES)(
  'everything is back, and goes on, with a Temporal that is %s',
  { timeout: 180_000 },
  async (state) => {
    const live = new URL(deployment.env['DATABASE_URL'] ?? '').pathname.slice(1);
    const [database, bucket] = [`${live}_${state}`, `loss-${SUFFIX}-${state}`];
    const env = {
      ...deployment.env,
      ...langfuse,
      ...temporals[state].env,
      OBSERVATORY_HOME: deployment.env['OBSERVATORY_HOME'] ?? '',
      S3_BUCKET_BACKUPS: `loss-${SUFFIX}-backups`,
      S3_BUCKET_ARTIFACTS: bucket,
      DATABASE_URL: urlOfDatabase(deployment.env['DATABASE_URL'] ?? '', database),
    };
    const lost = {
      ...deployment.env,
      ...temporals[state].env,
      DATABASE_URL: deployment.env['DATABASE_URL'] ?? '',
      S3_BUCKET_BACKUPS: `loss-${SUFFIX}-backups`,
    };
    const recover = state === 'newer' ? byCommand : byCall;
    const restored = await recover.restore(lost, { database, bucket });
    expect(restored).toMatchObject({ status: 'complete', restore_epoch: 1, open_episodes: [open.id] });
    await using opened = new AsyncDisposableStack();
    const read: Read = {
      database: opened.use(createDatabase(env.DATABASE_URL, { connections: 3 })),
      store: opened.use(createS3ObjectStore(s3Options(loadConfig(env)))),
    };
    try {
      // All rows but those that a restore changes: its own, and what is to be told to Langfuse.
      const changed = /deployment|restore|trace_outbox/;
      const same = ({ name }: { name: string }) => !changed.test(name);
      expect((await listTableFigures(read.database.pool)).filter(same)).toEqual(manifest.database.tables.filter(same));
      expect(await expectObjects(read as Deployment)).toBeGreaterThan(3);

      await run(['set-up'], env);
      const done = (await run(['reconcile'], env)) as unknown as Reconciliation;
      expect(done).toMatchObject({ restore_epoch: 1, continued: [{ episode_id: open.id }], schedules: 'held' });
      expect(done.terminated).toEqual(state === 'newer' ? [late.workflow_id] : []);
      const worker = await startWorkerProcess(env);
      opened.defer(() => worker.kill());
      const workflows = opened.use(await openEpisodeWorkflows(loadConfig(env)));
      const { seq } = await untilAsked(read, open, { question: 'two?', run: done.continued[0]?.run_id });
      await answerStep({ ...read, workflows }, open, { step: seq, text: 'yes' });
      expect(await untilEnded(read, open.id)).toMatchObject({ terminal_reason: 'APPROVED' });
      await expectTrueRecord(read as Deployment, open.id);
      if (state === 'newer') await expectService(read, env);
      await expectNoDoubles(read);
    } finally {
      await opened.disposeAsync();
      await using server = createDatabase(urlOfDatabase(env.DATABASE_URL, 'postgres'), { connections: 1 });
      await server.pool.query(`drop database if exists "${database}" with (force)`);
      await using target = openBucket(loadConfig(env).s3, bucket);
      await removeBucket(target.names);
    }
  },
);

/** As a person does it. */
const byCommand = {
  restore: (env: Record<string, string>, { database, bucket }: { database: string; bucket: string }) =>
    run(['restore', 'latest', '--database', database, '--bucket', bucket], env),
  reconcile: async (env: Record<string, string>) => {
    await run(['set-up'], env);
    return (await run(['reconcile'], env)) as unknown as Reconciliation;
  },
};

/** The same without processes, which take most of the time. */
const byCall = {
  async restore(env: Record<string, string>, to: { database: string; bucket: string }) {
    await using recovery = await openRecovery(loadConfig(env));
    const accepting = { accept_incomplete: false, accept_unsigned: false };
    await using planned = await recovery.planRestore({ point: 'latest', ...to, ...accepting });
    return await planned.run(() => {});
  },
  async reconcile(env: Record<string, string>) {
    await setUpDeployment(loadConfig(env), { log: () => {} });
    return reconcile(loadConfig(env), { resume_schedules: false });
  },
};

/** The API works, new episodes run, and schedules wait until somebody lets them run. */
async function expectService(read: Read, env: Record<string, string>): Promise<void> {
  await using api = await startApi({ env });
  const ask = async (path: string) => {
    const headers = { authorization: `Bearer ${api.env['OBSERVATORY_API_KEY']}` };
    const response = await fetch(`${api.env['OBSERVATORY_URL']}${path}`, { headers });
    if (!response.ok) throw new Error(`${path} answers ${response.status}`);
    return response;
  };
  const pausedOf = async () => {
    const { items } = (await (await ask('/v1/schedules')).json()) as { items: { paused: boolean }[] };
    return new Set(items.map(({ paused }) => paused));
  };
  expect(await (await ask(`/v1/episodes/${ended.id}`)).json()).toMatchObject({ status: 'completed' });
  const file = createHash('sha256').update('this is /first.md').digest('hex');
  expect(await (await ask(`/v1/artifacts/${file}/content`)).text()).toBe('this is /first.md');
  const play = ['--agent', 'single_engineer', '--transcript', join(folder, 'transcript.json'), '--json'];
  const started = await api.run(['episodes', 'start', '--task', 'something new', ...play]);
  expect(started).toMatchObject({ code: 0 });
  expect(await untilEnded(read, JSON.parse(started.out).id)).toMatchObject({ terminal_reason: 'APPROVED' });
  expect(await pausedOf()).toEqual(new Set([true]));
  expect(await run(['reconcile', '--resume-schedules'], env)).toMatchObject({ continued: [], schedules: 'running' });
  expect(await pausedOf()).toEqual(new Set([false]));
}

/** What Langfuse had heard of before the loss is found there, not sent again; nothing is there twice. */
async function expectNoDoubles({ database }: Read): Promise<void> {
  const ids = async () =>
    (await collected.client.pool.query<{ id: string }>(`select id from collector.observations`)).rows.map(
      ({ id }) => id,
    );
  await until({
    what: 'delivery finds what Langfuse holds',
    duration_ms_max: 60_000,
    attempt: async () => {
      const { rows } = await database.pool.query(
        // A root that ended otherwise in what was lost is another one with its end: it is told anew when patience has run out.
        `select from trace_outbox where state <> 'confirmed' and subject <> 'root' and span_id = any($1)`,
        [await ids()],
      );
      return rows.length === 0 ? true : undefined;
    },
  });
  // A root is told when its episode begins and, with its end, when that has ended: two rows of one span.
  const { rows: doubled } = await collected.client.pool.query(
    `select id from collector.observations group by id, body ->> 'endTime' having count(*) > 1`,
  );
  expect(doubled).toEqual([]);
}
