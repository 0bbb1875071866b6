import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { writePrivate } from './private-file.ts';
import { findProcess } from './processes.ts';

/** What the embedded servers and the API authenticate callers with; generated once per home. */
export type Credentials = z.infer<typeof Credentials>;
const Credentials = z.object({
  postgres_password: z.string(),
  s3_access_key_id: z.string(),
  s3_secret_access_key: z.string(),
  s3_signing_key: z.string(),
  api_key: z.string(),
  langfuse_public_key: z.string(),
  langfuse_secret_key: z.string(),
});
/** Homes made before there was a collector have no keys for it. */
const StoredCredentials = Credentials.partial({ langfuse_public_key: true, langfuse_secret_key: true });

/** The unprivileged user that servers which refuse root run as; undefined when this process is not root. */
export type ServerUser = { uid: number; gid: number } | undefined;

/** A home that this process has claimed: nobody else starts servers in it until `release`. */
export type ClaimedHome = { path: string; user: ServerUser; credentials: Credentials; release: () => void };

/**
 * Creates the home when absent and claims it. Throws `failed_precondition` when a living process has it, or when the
 * servers' user could not enter it.
 */
export function claimHome(path: string): ClaimedHome {
  const user = serverUser();
  mkdirSync(path, { recursive: true });
  // Root's servers run as another user, who must be able to pass through, but not to look around.
  chmodSync(path, user === undefined ? 0o700 : 0o711);
  if (user !== undefined) assertPassable(path);
  const lock = join(path, 'lock.json');
  takeLock(lock, path);
  return { path, user, credentials: credentials(path), release: () => rmSync(lock, { force: true }) };
}

/** The living process that has claimed this home, if there is one: a stack that runs, starts or stops. */
export function findHomeOwner(path: string): { pid: number } | undefined {
  const owner = readOwner(join(path, 'lock.json'));
  return owner !== undefined && isAlive(owner) ? { pid: owner.pid } : undefined;
}

/** A process as written down by itself: alive only if the same program still has the id. */
export const Owner = z.object({ pid: z.int().positive(), command: z.string() });

/** This process, to be recognised later. */
export function thisProcess(): z.infer<typeof Owner> {
  return { pid: process.pid, command: findProcess(process.pid)?.command ?? '' };
}

/** Whether the process that wrote itself down still lives: ids are used again, so the command line must agree. */
export function isAlive(owner: z.infer<typeof Owner>): boolean {
  return findProcess(owner.pid)?.command === owner.command;
}

const LOCK_ATTEMPTS_MAX = 3;

function takeLock(lock: string, home: string): void {
  for (let attempt = 1; attempt <= LOCK_ATTEMPTS_MAX; attempt += 1) {
    try {
      writeFileSync(lock, JSON.stringify(thisProcess()), { flag: 'wx', mode: 0o600 });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = readOwner(lock);
      if (owner !== undefined && isAlive(owner))
        throw new AppError(
          'failed_precondition',
          `The home ${home} is in use by process ${owner.pid}. Stop it with \`observatory down\`, or set OBSERVATORY_HOME to another folder.`,
          { details: { pid: owner.pid } },
        );
      rmSync(lock, { force: true });
    }
  }
  throw new AppError('aborted', `The home ${home} is being claimed by other processes at the same time. Try again.`);
}

function readOwner(lock: string): z.infer<typeof Owner> | undefined {
  try {
    return Owner.parse(JSON.parse(readFileSync(lock, 'utf8')));
  } catch {
    // Cut off while it was written, or gone by now: nobody's.
    return undefined;
  }
}

function credentials(home: string): Credentials {
  const path = join(home, 'credentials.json');
  const langfuse = {
    langfuse_public_key: `pk-lf-${randomBytes(16).toString('hex')}`,
    langfuse_secret_key: `sk-lf-${randomBytes(24).toString('hex')}`,
  };
  if (existsSync(path)) {
    const stored = StoredCredentials.parse(JSON.parse(readFileSync(path, 'utf8')));
    const whole = Credentials.parse({ ...langfuse, ...stored });
    if (Object.keys(whole).length > Object.keys(stored).length) writePrivate(path, whole);
    return whole;
  }
  const made: Credentials = {
    ...langfuse,
    postgres_password: randomBytes(24).toString('hex'),
    s3_access_key_id: `OBS${randomBytes(8).toString('hex').toUpperCase()}`,
    s3_secret_access_key: randomBytes(24).toString('hex'),
    s3_signing_key: randomBytes(24).toString('hex'),
    api_key: `obs_${randomBytes(24).toString('hex')}`,
  };
  writePrivate(path, made);
  return made;
}

function serverUser(): ServerUser {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const [, , uid, gid] = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody') ?? [];
  if (uid === undefined || gid === undefined)
    throw new AppError(
      'failed_precondition',
      'PostgreSQL refuses to run as root and there is no user `postgres` or `nobody`. Run as an ordinary user, or set DATABASE_URL.',
    );
  return { uid: Number(uid), gid: Number(gid) };
}

function assertPassable(path: string): void {
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0)
      throw new AppError(
        'failed_precondition',
        `PostgreSQL cannot run as root, and other users may not enter ${folder}. Set OBSERVATORY_HOME to a folder outside it.`,
      );
  }
}
