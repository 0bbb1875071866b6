// What becomes of connections that the server closes while they are in use.
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase } from '../../../src/db/client.ts';
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
