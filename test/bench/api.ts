/**
 * Goal: what the API adds to its SQL, and how fast it looks through a large record. Method: a real PostgreSQL with a million
 * steps and five million log lines, the API in a process of its own, and in turns the same statements through pg alone (for
 * latency) and from a plain Hono route in the same process (for requests a second).
 */
import { deepEqual } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Pool } from 'pg';
import { mulberry32 } from '../../src/simulation/spawn.ts';
import { insertApiKey } from '../../src/db/append/api-keys.ts';
import type { StepWithFiles } from '../../src/db/read/steps.ts';
import { cacheFolder, processEnvironment } from '../../src/config/config.ts';
import { startServers } from '../../src/embedded/stack.ts';
import { createTestDatabase } from '../support/database.ts';
import { episodeId, fillDatabase, SIZE } from './api-data.ts';
import { recordStepPage } from './api-sql.ts';

const KEY = 'key-of-the-benchmark';
const PAGES = 1_000;
const QUERIES_EACH = 25;
const ROUNDS = 3;
const ROUND_MS = 5_000;
const CONNECTIONS = 8;
/** What a person waits for without noticing, in milliseconds. */
const LIST_P95_MS_MAX = 300;

/** Questions of every selectivity: words in every second text, in one of thousands, in none, and every filter. */
const QUESTIONS = [
  '/v1/episodes?limit=100',
  '/v1/episodes?status=failed&agent=single_engineer&limit=100',
  '/v1/episodes?model=model-3&tag=tag-17&outcome=APPROVED',
  '/v1/episodes?q=needle&status=completed',
  '/v1/episodes?q=w1&created_from=2025-03-01T00:00:00Z&created_to=2025-04-01T00:00:00Z&limit=100',
  '/v1/search?q=needle&limit=100',
  '/v1/search?q=w1&limit=100',
  '/v1/search?q=w4321+failed',
  '/v1/search?q=step777x77',
  '/v1/search?q=execute+command&kind=step&limit=100',
  '/v1/search?q=w12+w345&kind=log&limit=100',
  '/v1/search?q=nowhere',
];

/** Milliseconds are of one request at a time; ratios are of the API to its peer: higher is better. */
export async function benchApi() {
  const home = await mkdtemp(join(tmpdir(), 'observatory-bench-'));
  const env = { ...processEnvironment(), S3_ENDPOINT: 'http://127.0.0.1:1', TEMPORAL_ADDRESS: '127.0.0.1:1' };
  const cache = cacheFolder(env);
  const servers = await startServers({ home, env, cache, log: () => {}, ports: 'any' });
  try {
    await using database = await createTestDatabase(servers.env['DATABASE_URL']);
    const { db, pool } = database.client;
    const started = performance.now();
    await fillDatabase(pool);
    const filled_s = Math.round((performance.now() - started) / 1000);
    await insertApiKey(db, {
      name: 'bench',
      role: 'reader',
      key_sha256: createHash('sha256').update(KEY).digest('hex'),
    });
    await using api = await startServer(database.url);
    await requireSameSteps(api.ask, pool);
    const latency = await measureLatency(api.ask, pool);
    const questions = await measureQuestions(api.ask);
    const rates = await measureRates(api.ask);
    const statistics = await timesOf(5, () => api.ask('/v1/statistics'));
    return {
      steps: SIZE.episodes * SIZE.steps_each,
      log_lines: SIZE.episodes * SIZE.lines_each,
      filled_s,
      ...latency,
      ...questions,
      statistics_p50_ms: rounded(at(statistics, 0.5)),
      ...rates,
    };
  } finally {
    await servers.stop();
    await rm(home, { recursive: true });
  }
}

/** Resolves with the body once all of it has come. */
type Ask = (path: string) => Promise<string>;

async function startServer(url: string): Promise<AsyncDisposable & { ask: Ask }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'api-server.ts')], {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(createInterface(child.stdout), 'line')) as [string];
  return {
    async ask(path) {
      // Not by fetch: what it costs the client, half a millisecond, is not the API's.
      const asked = get(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${KEY}` } });
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      const body = await text(answer);
      if (answer.statusCode !== 200) throw new Error(`${path} answered ${answer.statusCode}: ${body}`);
      return body;
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await once(child, 'exit');
    },
  };
}

const stepPage = (id: string) => `/v1/episodes/${id}/steps?limit=100`;

/** Both read the same steps with the same files, or there would be nothing to compare. */
async function requireSameSteps(ask: Ask, pool: Pool): Promise<void> {
  const id = episodeId(2);
  const { items } = JSON.parse(await ask(stepPage(id))) as { items: StepWithFiles[] };
  const rows = (await (await recordStepPage(pool))(id)).at(-1) as StepWithFiles[];
  const seen = (steps: StepWithFiles[]) => steps.map((step) => [step.id, step.artifacts.map(({ path }) => path)]);
  deepEqual(seen(items), seen(rows.slice(0, items.length)));
}

/** In turns, so that whatever else the machine does meets both. */
async function measureLatency(ask: Ask, pool: Pool) {
  const pages = anyEpisodes();
  const readStepPage = await recordStepPage(pool);
  const own: number[] = [];
  const bare: number[] = [];
  for (let n = 0; n < PAGES; n++) {
    const id = pages();
    own.push(...(await timesOf(1, () => ask(stepPage(id)))));
    bare.push(...(await timesOf(1, () => readStepPage(pages()))));
  }
  const [own_p95, bare_p95] = [at(own, 0.95), at(bare, 0.95)];
  return {
    step_page_p50_ms: rounded(at(own, 0.5)),
    step_page_p95_ms: rounded(own_p95),
    bare_sql_p50_ms: rounded(at(bare, 0.5)),
    bare_sql_p95_ms: rounded(bare_p95),
    step_page_ratio: rounded(bare_p95 / own_p95),
  };
}

async function measureQuestions(ask: Ask) {
  const all: number[] = [];
  const p95_ms: Record<string, number> = {};
  for (const question of QUESTIONS) {
    const times = await timesOf(QUERIES_EACH, () => ask(question));
    p95_ms[question] = rounded(at(times, 0.95));
    all.push(...times);
  }
  const list_and_search_p95_ms = rounded(at(all, 0.95));
  return {
    p95_ms,
    list_and_search_p95_ms,
    list_and_search_headroom: rounded(LIST_P95_MS_MAX / list_and_search_p95_ms),
  };
}

async function measureRates(ask: Ask) {
  const pages = anyEpisodes();
  const own: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    own.push(await rateOf(() => ask(stepPage(pages()))));
    bare.push(await rateOf(() => ask(`/bare/${pages()}`)));
  }
  const [own_rate, bare_rate] = [at(own, 0.5), at(bare, 0.5)];
  return {
    requests_per_s: Math.round(own_rate),
    bare_requests_per_s: Math.round(bare_rate),
    requests_ratio: rounded(own_rate / bare_rate),
  };
}

async function rateOf(ask: () => Promise<unknown>): Promise<number> {
  let done = 0;
  const started = performance.now();
  const one = async () => {
    while (performance.now() - started < ROUND_MS) {
      await ask();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  return done / ((performance.now() - started) / 1000);
}

async function timesOf(count: number, work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return times;
}

function anyEpisodes(): () => string {
  const random = mulberry32(1);
  return () => episodeId(1 + Math.floor(random() * SIZE.episodes));
}

/** The value below which this share of them lies. */
function at(values: number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const rounded = (value: number): number => Math.round(value * 100) / 100;
