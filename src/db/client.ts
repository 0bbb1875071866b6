import { PostgresDialect } from 'kysely';
import type { Kysely } from 'kysely';
import pg from 'pg';
import { AppError } from '../errors.ts';
import type { Database } from '../schemas/database.ts';
import { utcOf } from '../schemas/rfc3339.ts';
import { RecordDatabase } from './record-database.ts';

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
    // oxlint-disable-next-line typescript/no-misused-promises -- pg-pool waits for it; its types do not say so
    onConnect: setUpSession,
    application_name: 'observatory',
    types: { getTypeParser },
  });
  // An idle connection that the server closes raises here; the next query opens another, so there is nothing to do.
  pool.on('error', () => {});
  // One that is in use and waits for no answer raises on itself, and would end the process; the next statement on it fails anyway.
  pool.on('connect', (client) => client.on('error', () => {}));
  const db = new RecordDatabase({ dialect: new PostgresDialect({ pool }) });
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
  [builtins.TIMESTAMPTZ, utcOfPostgres],
]);

/**
 * Times come as ISO 8601, whatever the role or the database is set to, and no statement runs for ever. Said by statements and
 * not at the start of the session: a pooler hands sessions from one client to the next, keeps the first two of these
 * settings with each client, and refuses a session that is started with others.
 */
async function setUpSession(client: pg.ClientBase): Promise<void> {
  const time = `set datestyle = 'ISO, YMD'; set timezone = 'UTC'`;
  await client.query(`${time}; set statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
}

/** How Postgres writes a time in ISO style. */
const PLAIN_UTC = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00$/;

/** A time of Postgres in UTC, also where its session writes another zone's. Throws for what is no such time, such as another style's. */
export function utcOfPostgres(text: string): string {
  const iso = text.replace(' ', 'T');
  if (PLAIN_UTC.test(text)) return iso.replace(/\+00$/, 'Z');
  try {
    const { utc, exact } = utcOf(iso.replace(/([+-]\d\d)$/, '$1:00'));
    if (exact) return utc.replace(/\.?0+Z$/, 'Z');
  } catch {
    // Said below, with the text as it came.
  }
  throw new AppError(
    'failed_precondition',
    `The database says "${text}" for a time, which is none of ISO 8601: DateStyle must be ISO for the sessions of this role.`,
  );
}

function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  return PARSERS.get(oid) ?? (pg.types.getTypeParser(oid, format) as (text: string) => unknown);
}
