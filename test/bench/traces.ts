// How fast spans reach Langfuse's stand-in, and what delivery costs. Peer: @langfuse/otel in the same run, to the same collector,
// which is a process of its own.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { LangfuseSpanProcessor } from '@langfuse/otel';
import { setLangfuseTracerProvider, startObservation } from '@langfuse/tracing';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { deliverUntil } from '../../src/activities/trace-delivery.ts';
import { insertEpisode } from '../../src/db/append/episodes.ts';
import { insertItems } from '../../src/db/write/spans.ts';
import { defaultHome, processEnvironment } from '../../src/runtime/config.ts';
import { startServers } from '../../src/runtime/embedded/stack.ts';
import { StartEpisode } from '../../src/schemas/episode.ts';
import type { Episode } from '../../src/schemas/episode.ts';
import { traceIdOf } from '../../src/schemas/identity.ts';
import { DELIVERY_TIMINGS } from '../../src/tracing/delivery-state.ts';
import { createLangfuseClient } from '../../src/tracing/langfuse-client.ts';
import { createRootFreezer } from '../../src/tracing/spans.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDeployment } from '../support/deployment.ts';
import { eightSeconds } from '../chaos/episode.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const SENDER = join(import.meta.dirname, '../support/sender.ts');
const SPANS = 5_000;
const ROUNDS = 3;
const BACKLOG = 100_000;
/** So many of the backlog's spans are of one trace. */
const BACKLOG_TRACE_SPANS = 1_000;
const BACKLOG_MS_MAX = 150_000;
const NAMESPACE = 'bench';
const KEYS = { public_key: 'pk-lf-tests', secret_key: randomBytes(12).toString('hex') };
/** What each span says, about as much as a tool's call does. */
const INPUT = { path: '/solution_script.mjs', content: 'x'.repeat(400) };

/** What the bench measured. */
export interface TracesBench {
  /** Of 5,000 spans ended at once: how many arrived, and how many of those a second, up to the last. Medians of alternating runs. */
  arrived: number;
  otel_arrived: number;
  spans_per_s: number;
  otel_spans_per_s: number;
  ratio: number;
  /** A backlog of 100,000: how many were seen in Langfuse, in how many seconds, and the sender's memory. */
  backlog_confirmed: number;
  backlog_s: number;
  sender_mb_peak: number;
  /** From a step's end until Langfuse took its span (p95, seconds), in an episode of eight seconds. */
  accepted_s_p95: number;
  /** How long that episode takes with Langfuse away, beside how long with it: the best of each. */
  away_ratio: number;
}

/** Measures all of it on servers of its own. */
export async function benchTraces(): Promise<TracesBench> {
  const home = await mkdtemp(join(tmpdir(), 'observatory-bench-'));
  const cache = join(defaultHome(processEnvironment()), 'cache');
  const servers = await startServers({ home, env: {}, log: () => {}, cache, ports: 'any' });
  try {
    const database_url = servers.env['DATABASE_URL'];
    await using record = await createTestDatabase(database_url);
    await using langfuse = await createTestDatabase(database_url);
    const url = `http://127.0.0.1:${await servers.ports.choose('bench-collector')}`;
    const collector = await startCollectorProcess(url, { ...servers.env, DATABASE_URL: langfuse.url });
    try {
      const bench = { record, langfuse, url };
      const rates = await measureRates(bench);
      const backlog = await measureBacklog(bench);
      const away = await measureAway(servers.env, url);
      return { ...rates, ...backlog, ...away };
    } finally {
      await collector.stop();
    }
  } finally {
    await servers.stop();
    await rm(home, { recursive: true, force: true });
  }
}

type Bench = { record: TestDatabase; langfuse: TestDatabase; url: string };

async function measureRates(bench: Bench) {
  const ours: Arrival[] = [];
  const theirs: Arrival[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    ours.push(await ownRate(bench));
    theirs.push(await otelRate(bench));
  }
  const [own, otel] = [medianRate(ours), medianRate(theirs)];
  return {
    arrived: Math.min(...ours.map(({ arrived }) => arrived)),
    otel_arrived: medianOf(theirs.map(({ arrived }) => arrived)),
    spans_per_s: Math.round(own),
    otel_spans_per_s: Math.round(otel),
    ratio: Math.round((own / otel) * 100) / 100,
  };
}

type Arrival = { arrived: number; seconds: number };

const medianOf = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const medianRate = (all: Arrival[]) => medianOf(all.map(({ arrived, seconds }) => arrived / seconds));

/** Freezes the spans, puts them into the outbox and delivers them, until each was seen. */
async function ownRate({ record, langfuse, url }: Bench): Promise<Arrival> {
  const { db, pool } = record.client;
  const episode = await newEpisode(record);
  const freezeRoot = createRootFreezer({ namespace: NAMESPACE });
  const stop = new AbortController();
  const delivering = deliverUntil(stop.signal, {
    db,
    pool,
    langfuse: createLangfuseClient({ base_url: url, ...KEYS, request_ms: DELIVERY_TIMINGS.request_ms }),
    alerts: { raise: async () => {}, clear: async () => {} },
    readObject: async () => new Uint8Array(),
    now: () => new Date(),
    timings: DELIVERY_TIMINGS,
  });
  const began = Date.now();
  const at = new Date(began).toISOString();
  const line = {
    episode,
    started_at: at,
    ended_at: at,
    level: 'DEFAULT',
    status_message: null,
    output: INPUT,
  } as const;
  for (let from = 0; from < SPANS; from += 1_000) {
    const items = Array.from({ length: 1_000 }, (_, place) => freezeRoot({ ...line, run: `run-${from + place}` }));
    await insertItems(db, { episode_id: episode.id, step_id: null }, items);
  }
  const unseen = async () => {
    const { rows } = await pool.query<{ count: number }>(
      `select count(*)::int as count from trace_outbox where episode_id = $1 and state <> 'confirmed'`,
      [episode.id],
    );
    return rows[0]?.count ?? 0;
  };
  while ((await unseen()) > 0) await wait(100);
  stop.abort();
  await delivering;
  return arrivalOf(langfuse, episode.trace_id, began);
}

/** The same number of spans ended in one tick, and flushed, by Langfuse's own exporter. */
async function otelRate({ langfuse, url }: Bench): Promise<Arrival> {
  const { public_key: publicKey, secret_key: secretKey } = KEYS;
  const processor = new LangfuseSpanProcessor({ baseUrl: url, publicKey, secretKey });
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  setLangfuseTracerProvider(provider);
  const began = Date.now();
  const root = startObservation('episode', { input: INPUT }, { asType: 'agent' });
  for (let span = 1; span < SPANS; span += 1)
    root.startObservation('call', { input: INPUT, output: INPUT }, { asType: 'tool' }).end();
  root.end();
  await processor.forceFlush();
  setLangfuseTracerProvider(null);
  await provider.shutdown();
  return arrivalOf(langfuse, root.traceId, began);
}

async function arrivalOf({ client }: TestDatabase, traceId: string, began_ms: number): Promise<Arrival> {
  const { rows } = await client.pool.query<{ arrived: number; last: string }>(
    `select count(distinct id)::int as arrived, max(received_at) as last from collector.observations where trace_id = $1`,
    [traceId],
  );
  const [row] = rows;
  return { arrived: row?.arrived ?? 0, seconds: (Date.parse(row?.last ?? '') - began_ms) / 1000 };
}

/** Fills an outbox as a long outage would, and lets a real sender process drain it. */
async function measureBacklog({ record, url }: Bench) {
  const { pool } = record.client;
  const episode = await newEpisode(record);
  const at = new Date().toISOString();
  const line = { episode, run: 'run', started_at: at, ended_at: at, status_message: null, output: INPUT };
  const frozen = createRootFreezer({ namespace: NAMESPACE })({ ...line, level: 'DEFAULT' });
  await pool.query('truncate trace_outbox');
  await pool.query(
    `insert into trace_outbox (span_id, trace_id, episode_id, subject, payload, payload_sha256)
     select span_id, trace_id, $1, 'root', replace(replace($2, $3, span_id), $4, trace_id), $5
     from (select lpad(to_hex(n), 16, '0') as span_id, md5((n / $6::int)::text) as trace_id from generate_series(1, $7::int) n) ids`,
    [episode.id, frozen.payload, frozen.span_id, frozen.trace_id, frozen.payload_sha256, BACKLOG_TRACE_SPANS, BACKLOG],
  );
  await pool.query('analyze trace_outbox');
  const began = performance.now();
  const sender = spawn(process.execPath, [SENDER, record.url, url, KEYS.secret_key], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const confirmed = async () => {
    const { rows } = await pool.query<{ count: number }>(
      `select count(*)::int as count from trace_outbox where state = 'confirmed'`,
    );
    return rows[0]?.count ?? 0;
  };
  let seen = 0;
  while (seen < BACKLOG && performance.now() - began < BACKLOG_MS_MAX) {
    await wait(500);
    seen = await confirmed();
  }
  const backlog_s = Math.round((performance.now() - began) / 100) / 10;
  const sender_mb_peak = await peakMegabytes(sender);
  await kill(sender);
  return { backlog_confirmed: seen, backlog_s, sender_mb_peak };
}

/** The most memory that a process had, as Linux counts it. */
async function peakMegabytes({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
}

/** Plays the same episode in turn with Langfuse and with nobody at its address. */
async function measureAway(env: Record<string, string>, url: string) {
  const { public_key, secret_key } = KEYS;
  const keys = { LANGFUSE_PUBLIC_KEY: public_key, LANGFUSE_SECRET_KEY: secret_key };
  await using there = await createDeployment({ ...env, ...keys, LANGFUSE_BASE_URL: url });
  await using away = await createDeployment({ ...env, ...keys, LANGFUSE_BASE_URL: 'http://127.0.0.1:9' });
  const seconds = { there: [] as number[], away: [] as number[] };
  for (const deployment of [there, away]) await deployment.startWorker();
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const [name, deployment] of [
      ['there', there],
      ['away', away],
    ] as const) {
      const { id, workflow_id } = await eightSeconds(deployment, 1);
      await deployment.workflows.client.workflow.getHandle(workflow_id).result();
      const { rows } = await deployment.database.pool.query<{ s: number }>(
        `select extract(epoch from max(ended_at) - min(started_at))::float as s from steps where episode_id = $1`,
        [id],
      );
      // The first one warms the worker up.
      if (round > 0) seconds[name].push(rows[0]?.s ?? 0);
    }
  const { rows } = await there.database.pool.query<{ p95: number }>(
    `select percentile_cont(0.95) within group (order by extract(epoch from o.accepted_at - s.ended_at))::float as p95
     from trace_outbox o join steps s on s.id = o.step_id`,
  );
  return {
    accepted_s_p95: Math.round((rows[0]?.p95 ?? NaN) * 1000) / 1000,
    away_ratio: Math.round((Math.min(...seconds.away) / Math.min(...seconds.there)) * 1000) / 1000,
  };
}

async function newEpisode({ client }: TestDatabase): Promise<Episode> {
  const accepted = { namespace: NAMESPACE, idempotency_key: randomUUID(), code_version: null };
  const { episode } = await insertEpisode(client.db, { request: StartEpisode.parse({ task: 'bench' }), ...accepted });
  return { ...episode, trace_id: traceIdOf(NAMESPACE, episode.id) };
}

/** The collector as `observatory collector` runs it. */
async function startCollectorProcess(url: string, env: Record<string, string>) {
  const { public_key, secret_key } = KEYS;
  const own = { LANGFUSE_BASE_URL: url, LANGFUSE_PUBLIC_KEY: public_key, LANGFUSE_SECRET_KEY: secret_key };
  const child = spawn(process.execPath, [MAIN, 'collector'], {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env, ...own },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const said of createInterface(child.stdout)) if (said.includes('listens on')) break;
  return { stop: () => kill(child) };
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
