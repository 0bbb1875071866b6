import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Database } from '../schemas/database.ts';

/** The record's database: kysely for our tables, and the pool under it for what needs a connection of its own. */
export type DatabaseClient = AsyncDisposable & { db: Kysely<Database>; pool: pg.Pool };

const CONNECT_TIMEOUT_MS = 10_000;
/** No statement of ours is meant to run this long; one that does holds a lock that others wait for. */
const STATEMENT_TIMEOUT_MS = 60_000;

/** Opens a pool of at most `connections`. Times read as ISO 8601 UTC text with microseconds, bigint and numeric as numbers. */
export function createDatabase(url: string, options: { connections?: number } = {}): DatabaseClient {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.connections ?? 10,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    options: '-c timezone=UTC',
    application_name: 'observatory',
    types: { getTypeParser },
  });
  // An idle connection that the server closes raises here; the next query opens another, so there is nothing to do.
  pool.on('error', () => {});
  // One that is in use and waits for no answer raises on itself, and would end the process; the next statement on it fails anyway.
  pool.on('connect', (client) => client.on('error', () => {}));
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    pool,
    async [Symbol.asyncDispose]() {
      await db.destroy();
      if (!pool.ended) await pool.end(); // kysely ends only a pool that it has used
    },
  };
}

const { builtins } = pg.types;
/** Safe as numbers: our bigints are counts and sizes below 2^53, our only numeric is money. */
const PARSERS = new Map<number, (text: string) => unknown>([
  [builtins.INT8, Number],
  [builtins.NUMERIC, Number],
  [builtins.TIMESTAMPTZ, (text) => `${text.replace(' ', 'T').replace(/\+00$/, '')}Z`],
]);

function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  return PARSERS.get(oid) ?? (pg.types.getTypeParser(oid, format) as (text: string) => unknown);
}
