import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../errors.ts';

/** Where PostgreSQL's programs are (undefined: on PATH), the PATH they run with, and the database's URL, which only `url()` returns. */
export type PostgresAccess = { bin_dir: string | undefined; path: string; url: () => string };

/** What a program says when it fails is kept up to this many UTF-16 units. */
const STDERR_CHARS_MAX = 4_000;
const CONNECT_TIMEOUT_S = 10;

type Program = 'pg_dump' | 'pg_dumpall' | 'pg_restore';
type Run = { program: Program; args: string[]; database?: string; signal?: AbortSignal | undefined };

/** Runs a program against the database (or another one of the same server); resolves with its standard output, which is small. Throws `internal` with its exit code and what it said, `unavailable` for a full disk or an absent server. */
export async function runPostgresTool(access: PostgresAccess, run: Run): Promise<string> {
  const { program, args, database, signal } = run;
  const file = access.bin_dir === undefined ? program : join(access.bin_dir, program);
  const env = { PATH: access.path, LC_ALL: 'C', ...libpqEnvironment(access.url(), database) };
  const child = spawn(file, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
    ...(signal && { signal }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = `${stderr}${text}`.slice(-STDERR_CHARS_MAX);
  });
  const [code, killed] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, by) => resolve([status, by]));
  }).catch((error: unknown) => {
    if (signal?.aborted) throw new AppError('cancelled', `${program} was cancelled.`, { cause: error });
    throw new AppError('failed_precondition', `${program} cannot be started: ${(error as Error).message}`);
  });
  if (code === 0) return stdout;
  const how = killed === null ? `ended with exit code ${code}` : `was ended by ${killed}`;
  throw new AppError(codeOfFailure(stderr, killed), `${program} ${how}: ${stderr.trim() || 'it said nothing'}`, {
    details: { program, exit_code: code, signal: killed },
  });
}

/** The major version of a program. Throws failed_precondition when it is not there. */
export async function majorOf(access: PostgresAccess, program: Program): Promise<number> {
  const said = await runPostgresTool(access, { program, args: ['--version'] });
  const major = /\(PostgreSQL\) (\d+)/.exec(said)?.[1];
  if (major === undefined)
    throw new AppError('failed_precondition', `${program} does not say its version: ${said.trim()}`);
  return Number(major);
}

/** A PostgreSQL URL as the variables that libpq reads, so that no password is in a process's arguments. Throws invalid_argument for any other URL: libpq would take it for a local socket. */
export function libpqEnvironment(url: string, database?: string): Record<string, string> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^postgres(?:ql)?:$/.test(parsed.protocol))
    throw new AppError(
      'invalid_argument',
      'The database is named by a postgres:// URL, without a driver in its scheme.',
    );
  const env: Record<string, string> = { PGCONNECT_TIMEOUT: String(CONNECT_TIMEOUT_S) };
  const set = (name: string, value: string | null) => {
    if (value) env[name] = decodeURIComponent(value);
  };
  set('PGHOST', parsed.hostname.replace(/^\[|\]$/g, ''));
  set('PGPORT', parsed.port);
  set('PGUSER', parsed.username);
  set('PGPASSWORD', parsed.password);
  set('PGDATABASE', database ?? parsed.pathname.slice(1));
  for (const [parameter, variable] of LIBPQ_PARAMETERS) set(variable, parsed.searchParams.get(parameter));
  return env;
}

/** What node-postgres takes in a URL and libpq in a variable. */
const LIBPQ_PARAMETERS = [
  ['host', 'PGHOST'],
  ['sslmode', 'PGSSLMODE'],
  ['sslrootcert', 'PGSSLROOTCERT'],
  ['sslcert', 'PGSSLCERT'],
  ['sslkey', 'PGSSLKEY'],
] as const;

function codeOfFailure(stderr: string, killed: NodeJS.Signals | null) {
  // SIGXFSZ is how a limit on file sizes ends a program; a full disk is reported in words.
  if (/No space left on device|File too large|Disk quota exceeded/.test(stderr) || killed === 'SIGXFSZ')
    return 'resource_exhausted';
  if (/could not connect|Connection refused|server closed the connection|is starting up|shutting down/.test(stderr))
    return 'unavailable';
  return killed !== null && constants.signals[killed] === constants.signals.SIGKILL ? 'unavailable' : 'internal';
}

/** The same server's URL with another database's name. */
export function urlOfDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other.href;
}
