import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { serve } from '@hono/node-server';
import pg from 'pg';
import { AppError } from '../errors.ts';
import { createCollector } from './app.ts';
import type { CollectorKeys } from './deps.ts';
import type { IngestionMode } from './ingestion-events.ts';
import { createCollectorStore, setUpCollector } from './store.ts';

/** A collector that listens. */
export type CollectorServer = AsyncDisposable & { url: string; port: number; stop: () => Promise<void> };

/** `port` 0 takes any free one. `faults` is for tests, and so is `now`, the clock that decides what reads see. */
export type CollectorOptions = {
  databaseUrl: string;
  port: number;
  keys: CollectorKeys;
  mode?: IngestionMode;
  faults?: boolean;
  now?: () => Date;
};

/** Only this machine: the pages need no key. */
const HOST = '127.0.0.1';
const CONNECTIONS_MAX = 5;
const CONNECT_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 30_000;

/**
 * Creates the collector's schema where it is missing and listens on the loopback address; `stop` ends requests under way.
 * Throws `failed_precondition` when the port is taken, `unavailable` when Postgres is away.
 */
export async function startCollector(options: CollectorOptions): Promise<CollectorServer> {
  const { databaseUrl, keys, mode = 'events_only', faults = false, now = () => new Date() } = options;
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // Not at the start of the session: a pooler refuses what it does not know.
    // oxlint-disable-next-line typescript/no-misused-promises -- pg-pool waits for it; its types do not say so
    onConnect: async (client) => {
      await client.query(`set statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    },
    application_name: 'observatory-collector',
  });
  // An idle connection that the server closes raises here; the next query opens another.
  pool.on('error', () => {});
  // One that is in use raises on itself, and would end the process; the next query on it fails anyway.
  pool.on('connect', (client) => client.on('error', () => {}));
  try {
    await setUpCollector(pool);
    const app = createCollector({ store: createCollectorStore(pool), keys, mode, faults, now });
    const server = await listen(app.fetch, options.port);
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : options.port;
    let stopped: Promise<void> | undefined;
    const stop = () => (stopped ??= close(server).then(() => pool.end()));
    return { url: `http://${HOST}:${port}`, port, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await pool.end();
    throw error instanceof AppError ? error : AppError.from(error);
  }
}

async function listen(fetch: Parameters<typeof serve>[0]['fetch'], port: number): Promise<HttpServer> {
  // Without options that ask for HTTP/2 it is node:http's server.
  const server = serve({ fetch, hostname: HOST, port }) as HttpServer;
  try {
    // Rejects with the server's error, should that come first.
    await once(server, 'listening');
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw taken
      ? new AppError('failed_precondition', `Port ${port} is taken.`, { cause: error })
      : AppError.from(error);
  }
  return server;
}

async function close(server: HttpServer): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
