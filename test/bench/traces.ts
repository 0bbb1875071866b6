// How fast spans reach Langfuse's stand-in, and what delivery costs. Peer: @langfuse/otel in the same run, to the same collector,
// which is a process of its own.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { cacheFolder, processEnvironment } from '../../src/config/config.ts';
import { startServers } from '../../src/embedded/stack.ts';
import { WORKER_ENVIRONMENT, WORKER_NODE_FLAGS } from '../../src/runtime/worker-process.ts';
import { createRootFreezer } from '../../src/tracing/root-spans.ts';
import { createTestDatabase } from '../support/database.ts';
import { createDeployment } from '../support/deployment.ts';
import { eightSeconds } from '../chaos/episode.ts';
import { measureRates, newEpisode } from './trace-rates.ts';
import type { Bench, Rates } from './trace-rates.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const SENDER = join(import.meta.dirname, '../support/sender.ts');
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
export interface TracesBench extends Rates {
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
  const cache = cacheFolder(processEnvironment());
  const servers = await startServers({ home, env: {}, log: () => {}, cache, ports: 'any' });
  try {
    const database_url = servers.env['DATABASE_URL'];
    await using record = await createTestDatabase(database_url);
    await using langfuse = await createTestDatabase(database_url);
    const url = `http://127.0.0.1:${await servers.ports.choose('bench-collector')}`;
    const collector = await startCollectorProcess(url, { ...servers.env, DATABASE_URL: langfuse.url });
    try {
      const bench = { record, langfuse, url, keys: KEYS };
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
  const sender = spawn(process.execPath, [...WORKER_NODE_FLAGS, SENDER, record.url, url, KEYS.secret_key], {
    env: { ...process.env, ...WORKER_ENVIRONMENT },
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
