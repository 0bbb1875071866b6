// What becomes of connections: those that the server closes while they are in use, and those that a pooler hands out.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase } from '../../../src/db/client.ts';
import { startCollector } from '../../../src/langfuse-stand-in/server.ts';
import { AppError } from '../../../src/errors.ts';
import { until } from '../../../src/embedded/until.ts';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

test('a connection that is lost between two statements is unavailable to the next one, and ends no process', async () => {
  const { db, pool } = database.client;
  const lost = db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
    const pid = rows[0]?.pid;
    await pool.query('select pg_terminate_backend($1)', [pid]);
    const isGone = async () =>
      (await pool.query('select 1 from pg_stat_activity where pid = $1', [pid])).rowCount === 0 ? true : undefined;
    await until({ what: 'the end of the connection', duration_ms_max: 10_000, attempt: isGone });
    await sql`select 1`.execute(tx);
  });
  const error = await lost.catch((thrown: unknown) => thrown);
  expect(AppError.from(error).code).toBe('unavailable');
  expect((await pool.query('select 1')).rowCount).toBe(1);
});

test('times are the same whatever style and zone the role is set to', async () => {
  const { pool } = database.client;
  const at = '2026-11-30T03:27:10.76443Z';
  const name = new URL(database.url).pathname.slice(1);
  for (const [datestyle, timezone] of [
    ['German', 'Asia/Kolkata'],
    ['SQL, DMY', 'America/New_York'],
    ['Postgres, MDY', 'UTC'],
  ]) {
    await pool.query(`alter database "${name}" set datestyle = '${datestyle}'`);
    await pool.query(`alter database "${name}" set timezone = '${timezone}'`);
    await using client = createDatabase(database.url, { connections: 1 });
    const { rows } = await client.pool.query('select $1::timestamptz as at', [at]);
    expect(rows).toEqual([{ at }]);
    // Also where a pooler hands out a session that another client has set otherwise.
    await client.pool.query(`set timezone = '${timezone}'`);
    expect((await client.pool.query('select $1::timestamptz as at', [at])).rows).toEqual([{ at }]);
    await client.pool.query(`set datestyle = '${datestyle}'`);
    await expect(client.pool.query('select $1::timestamptz as at', [at])).rejects.toThrow(/DateStyle must be ISO/);
  }
});

/** The parameters that a session may be started with behind PgBouncer, which refuses all others. */
const POOLED = new Set(['user', 'database', 'client_encoding', 'datestyle', 'timezone', 'application_name']);

/** Passes bytes on to the server as a pooler does: a session that is started with more than it knows is refused. */
async function createPooler(url: string): Promise<AsyncDisposable & { url: string }> {
  const { hostname, port } = new URL(url);
  const pooler = createServer((client) => {
    client.once('data', (startup: Buffer) => {
      const words = startup.subarray(8).toString().split('\0');
      const refused = words.find((word, index) => index % 2 === 0 && word !== '' && !POOLED.has(word.toLowerCase()));
      if (refused !== undefined) {
        client.end(refusal(`unsupported startup parameter: ${refused}`));
        return;
      }
      const server = connect({ host: hostname, port: Number(port) }, () => server.write(startup));
      server.pipe(client).pipe(server);
      for (const socket of [client, server]) socket.on('error', () => [client, server].forEach((one) => one.destroy()));
    });
  });
  await once(pooler.listen(0, '127.0.0.1'), 'listening');
  const pooled = new URL(url);
  pooled.host = `127.0.0.1:${(pooler.address() as AddressInfo).port}`;
  return {
    url: pooled.href,
    async [Symbol.asyncDispose]() {
      pooler.close();
      await once(pooler, 'close');
    },
  };
}

/** Postgres' ErrorResponse. */
function refusal(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C08P01\0M${message}\0\0`);
  const head = Buffer.alloc(5, 'E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

test('a pooler that refuses what it does not know at the start of a session takes ours, and statements are bounded all the same', async () => {
  await using pooler = await createPooler(database.url);
  await using client = createDatabase(pooler.url, { connections: 1 });
  expect((await client.pool.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '1min' }]);
  await using server = await startCollector({
    databaseUrl: pooler.url,
    keys: { public_key: 'pk-lf-pooled', secret_key: 'sk-lf-pooled' },
    port: 0,
  });
  expect((await fetch(`${server.url}/api/public/health`)).status).toBe(200);
});
