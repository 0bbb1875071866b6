import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { AppError } from '../errors.ts';
import { ready, startGuarded } from './guarded-process.ts';
import type { ServerOptions, Server } from './server.ts';
import { guardedOptions, serverOf } from './server.ts';

/** The database of the record, and the superuser that owns it. */
const NAME = 'observatory';
const READY_DURATION_MS_MAX = 60_000;
const INITDB_DURATION_MS_MAX = 120_000;
const CONNECT_DURATION_MS_MAX = 2_000;
/** Waits for the last checkpoint, which a slow disk may take its time with. */
const STOP_SECONDS_MAX = 20;

/** A running PostgreSQL with the database `observatory`. */
export type PostgresServer = Server & { url: string };

/** The major version that made the data in `folder`; undefined when there is none yet. */
export function findDataVersion(folder: string): number | undefined {
  const file = join(folder, 'data', 'PG_VERSION');
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : undefined;
}

/**
 * Starts PostgreSQL on the loopback address only, its data in `<folder>/data` (made at the first start), passwords
 * required; resolves when it answers a query. `binary` is the folder of its programs. Throws `unavailable`.
 */
export async function startPostgres(options: ServerOptions & { password: string }): Promise<PostgresServer> {
  const { folder, port, user, password } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  if (user) chownSync(folder, user.uid, user.gid);
  if (findDataVersion(folder) === undefined) await initialise(options);
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '128MB',
    fsync: 'on',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  const child = await startGuarded({
    ...guardedOptions(options, 'postgres'),
    command: join(options.binary, 'postgres'),
    args: [
      '-D',
      join(folder, 'data'),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    user,
    // A fast shutdown: the default waits for clients to leave, who may be stuck.
    stop_signal: 'INT',
    stop_seconds_max: STOP_SECONDS_MAX,
  });
  const url = (database: string) => `postgres://${NAME}:${password}@127.0.0.1:${port}/${database}`;
  await ready(child, {
    what: 'PostgreSQL',
    duration_ms_max: READY_DURATION_MS_MAX,
    attempt: () => ensureDatabase(url('postgres')),
    giveUp: (error) => (error as { code?: string }).code === WRONG_PASSWORD,
  });
  return { ...serverOf(child), url: url(NAME) };
}

const WRONG_PASSWORD = '28P01';

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_DURATION_MS_MAX });
  // A server that is just stopping closes the connection; the query below reports it.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [NAME]);
    if (rowCount === 0) await client.query(`create database ${NAME}`);
  } finally {
    await client.end();
  }
}

async function initialise({ folder, binary, user, password, env }: Parameters<typeof startPostgres>[0]): Promise<void> {
  const partial = join(folder, 'data.partial');
  const passwordFile = join(folder, 'password');
  rmSync(partial, { recursive: true, force: true });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) chownSync(passwordFile, user.uid, user.gid);
  // macOS has no C.UTF-8; there C sorts the same way.
  const locale = process.platform === 'linux' ? 'C.UTF-8' : 'C';
  const args = ['-D', partial, '-U', NAME, '--pwfile', passwordFile, '-A', 'scram-sha-256', '-E', 'UTF8'];
  try {
    await promisify(execFile)(join(binary, 'initdb'), [...args, '--locale', locale], {
      cwd: folder,
      env,
      timeout: INITDB_DURATION_MS_MAX,
      ...user,
    });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new AppError('unavailable', `PostgreSQL could not create its data: ${(stderr || message).trim()}`, {
      cause: error,
    });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  // Half a cluster, left by a crash, must never be taken for a whole one.
  renameSync(partial, join(folder, 'data'));
}
