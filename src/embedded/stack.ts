import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError } from '../errors.ts';
import { cacheFolder } from '../config/config.ts';
import type { Environment } from '../config/config.ts';
import { ownVariables } from '../config/variables.ts';
import { findPostgres, findSeaweedfs, findTemporal } from './binaries.ts';
import type { BinarySearch } from './binaries.ts';
import { stopStale } from './guarded-process.ts';
import { claimHome } from './home.ts';
import type { ClaimedHome } from './home.ts';
import type { Log } from './log-file.ts';
import { openPortBook, startOnFreePort } from './ports.ts';
import type { PortBook } from './ports.ts';
import { findDataVersion, startPostgres } from './postgres.ts';
import { EMBEDDED_REGION, SEAWEEDFS_INNER_PORTS, startSeaweedfs } from './seaweedfs.ts';
import type { Server, ServerOptions } from './server.ts';
import { EMBEDDED_NAMESPACE, startTemporal } from './temporal.ts';

/** What to start where. Tests take any ports, so as not to sit on the usual ones, and share the machine's cache. */
export type StackOptions = { home: string; env: Environment; log: Log; cache?: string; ports?: 'usual' | 'any' };

/** The embedded parts. */
export type PartName = 'temporal' | 'seaweedfs' | 'postgres';

/** The running servers, and our variables (no others) with their addresses filled in, which `loadConfig` parses. */
export type RunningServers = AsyncDisposable & {
  env: Record<string, string>;
  /** The home's keys for the Langfuse stand-in, as variables. */
  langfuse_keys: { LANGFUSE_PUBLIC_KEY: string; LANGFUSE_SECRET_KEY: string };
  ports: PortBook;
  /** The embedded parts that run. One that ends before `stop` has failed. */
  servers: ReadonlyMap<PartName, Server>;
  /** Starts a part that ended, or ends and starts it, on its data and at its address. Throws `unavailable`. */
  restart: (name: PartName) => Promise<void>;
  /** Ends Temporal, then S3, then Postgres, a line each, and leaves the home to others. */
  stop: () => Promise<void>;
  /** Ends them at once. */
  kill: () => void;
};

/**
 * Starts, side by side, PostgreSQL, SeaweedFS and Temporal, except those for which the environment names one's own
 * (DATABASE_URL, S3_ENDPOINT, TEMPORAL_ADDRESS). Throws `failed_precondition` when the home is in use, `unavailable`
 * naming the part that could not be had; whatever had started is stopped first.
 */
export async function startServers(options: StackOptions): Promise<RunningServers> {
  const path = resolve(options.home);
  const home = claimHome(path);
  try {
    return await startParts(home, options);
  } catch (error) {
    home.release();
    throw error;
  }
}

/** Ends servers that a killed stack left behind in this home. */
export async function stopStaleServers(home: string, log: Log): Promise<void> {
  await Promise.all(
    PARTS.map(async ({ name, title, stop_signal }) =>
      stopStale({ name: title, pid_file: pidFile(home, name), marker: join(home, name), stop_signal, log }),
    ),
  );
}

type Started = { server: Server; env: Record<string, string>; says: string };
type Part = {
  name: PartName;
  title: string;
  /** The variable that names one's own instead. */
  unless: string;
  stop_signal: 'INT' | 'TERM';
  start: (context: Context) => Promise<Started>;
};
type Context = {
  home: ClaimedHome;
  env: Environment;
  ports: PortBook;
  search: BinarySearch;
  port: (name: string, usual: number) => () => Promise<number>;
  serverOptions: (binary: string, port: number) => ServerOptions;
};

/** In the order of stopping: each may still need those after it. */
const PARTS: Part[] = [
  { name: 'temporal', title: 'Temporal', unless: 'TEMPORAL_ADDRESS', stop_signal: 'TERM', start: temporal },
  { name: 'seaweedfs', title: 'SeaweedFS', unless: 'S3_ENDPOINT', stop_signal: 'TERM', start: seaweedfs },
  { name: 'postgres', title: 'PostgreSQL', unless: 'DATABASE_URL', stop_signal: 'INT', start: postgres },
];
const BUCKETS = { S3_BUCKET_ARTIFACTS: 'observatory-artifacts', S3_BUCKET_BACKUPS: 'observatory-backups' };

async function startParts(home: ClaimedHome, options: StackOptions): Promise<RunningServers> {
  const { env, log } = options;
  await stopStaleServers(home.path, log);
  const ports = openPortBook(home.path, log);
  const started = new Map<PartName, Started>();
  const start = async (part: Part) => {
    const result = await part.start(contextOf(part, { options, home, ports }));
    started.set(part.name, result);
    log(result.says);
    return result;
  };
  const stop = async () => {
    for (const part of PARTS) {
      const server = started.get(part.name)?.server;
      if (server === undefined) continue;
      await server.stop();
      log(`${part.title} stopped`);
    }
    home.release();
  };
  // Production embeds nothing; what is missing there is for `loadConfig` to name.
  const embeds = env['OBSERVATORY_MODE'] !== 'production';
  const wanted = embeds ? PARTS.filter((part) => env[part.unless] === undefined) : [];
  const failures = (await Promise.allSettled(wanted.map(start))).flatMap((result) =>
    result.status === 'rejected' ? [AppError.from(result.reason)] : [],
  );
  const [first] = failures;
  if (first !== undefined) {
    await stop();
    throw new AppError(first.code, failures.map(({ message }) => message).join('\n'), { cause: first });
  }
  return {
    env: {
      ...(embeds && { OBSERVATORY_API_KEY: home.credentials.api_key }),
      ...ownVariables(env),
      ...[...started.values()].reduce((all, part) => ({ ...all, ...part.env }), {}),
      OBSERVATORY_HOME: home.path,
    },
    langfuse_keys: {
      LANGFUSE_PUBLIC_KEY: home.credentials.langfuse_public_key,
      LANGFUSE_SECRET_KEY: home.credentials.langfuse_secret_key,
    },
    ports,
    get servers() {
      return new Map([...started].map(([name, { server }]) => [name, server]));
    },
    restart: async (name) => {
      const part = PARTS.find((candidate) => candidate.name === name);
      const before = started.get(name);
      if (part === undefined || before === undefined)
        throw new AppError('failed_precondition', `${name} is not embedded here.`);
      await before.server.stop();
      // Postgres does not start while any process has the id of the one that was killed.
      await before.server.gone();
      const after = await start(part);
      if (JSON.stringify(after.env) === JSON.stringify(before.env)) return;
      throw new AppError('unavailable', `${part.title} lost its port to another program and runs at another address.`);
    },
    stop,
    kill: () => {
      for (const { server } of started.values()) server.kill();
      home.release();
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function postgres({ search, port, serverOptions, home }: Context): Promise<Started> {
  const binary = await findPostgres(search, findDataVersion(join(home.path, 'postgres')));
  const server = await startOnFreePort(port('postgres', 7732), async (chosen) =>
    startPostgres({ ...serverOptions(binary, chosen), password: home.credentials.postgres_password }),
  );
  const { host } = new URL(server.url);
  return {
    server,
    env: { DATABASE_URL: server.url, OBSERVATORY_POSTGRES_BIN_DIR: binary },
    says: `PostgreSQL is up at ${host}`,
  };
}

async function seaweedfs({ search, port, ports, serverOptions, home, env }: Context): Promise<Started> {
  const binary = await findSeaweedfs(search);
  const { s3_access_key_id, s3_secret_access_key, s3_signing_key } = home.credentials;
  const buckets = Object.entries(BUCKETS).map(([name, usual]) => env[name] ?? usual);
  const keys = {
    access_key_id: s3_access_key_id,
    secret_access_key: s3_secret_access_key,
    signing_key: s3_signing_key,
  };
  const server = await startOnFreePort(port('s3', 7734), async (chosen) =>
    startSeaweedfs({
      ...serverOptions(binary, chosen),
      user: undefined,
      keys,
      buckets,
      inner_ports: await ports.chooseTwins(SEAWEEDFS_INNER_PORTS),
    }),
  );
  return {
    server,
    env: {
      S3_ENDPOINT: server.endpoint,
      S3_REGION: EMBEDDED_REGION,
      S3_ACCESS_KEY_ID: s3_access_key_id,
      S3_SECRET_ACCESS_KEY: s3_secret_access_key,
    },
    says: `SeaweedFS (S3) is up at ${server.endpoint}`,
  };
}

async function temporal({ search, port, serverOptions }: Context): Promise<Started> {
  const binary = await findTemporal(search);
  const uiPort = port('temporal-ui', 8733);
  const server = await startOnFreePort(port('temporal', 7733), async (chosen) =>
    startTemporal({ ...serverOptions(binary, chosen), user: undefined, ui_port: await uiPort() }),
  );
  return {
    server,
    env: { TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: EMBEDDED_NAMESPACE, TEMPORAL_UI_URL: server.ui_url },
    says: `Temporal is up at ${server.address}, its Web UI at ${server.ui_url}`,
  };
}

function contextOf(
  part: Part,
  { options, home, ports }: { options: StackOptions; home: ClaimedHome; ports: PortBook },
): Context {
  const { env, log } = options;
  mkdirSync(join(home.path, 'logs'), { recursive: true });
  return {
    home,
    env,
    ports,
    search: {
      env,
      cache: options.cache ?? cacheFolder({ ...env, OBSERVATORY_HOME: home.path }),
      log,
    },
    port: (name, usual) => async () => ports.choose(name, options.ports === 'any' ? undefined : usual),
    serverOptions: (binary, port) => ({
      folder: join(home.path, part.name),
      binary,
      port,
      user: home.user,
      log_file: join(home.path, 'logs', `${part.name}.log`),
      pid_file: pidFile(home.path, part.name),
      env: { PATH: env['PATH'] ?? '/usr/bin:/bin', HOME: join(home.path, part.name), TZ: 'UTC' },
    }),
  };
}

function pidFile(home: string, name: string): string {
  return join(home, 'run', `${name}.json`);
}
