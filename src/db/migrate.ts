import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool, PoolClient } from 'pg';
import { AppError } from '../errors.ts';
import { sha256Of } from '../identity.ts';

/** Where the numbered SQL files lie. */
const MIGRATIONS_DIR = join(import.meta.dirname, '../../migrations');

/** Two processes that start at once take turns. An arbitrary number, ours alone within this database. */
const LOCK_ID = 7_700_771;

/** A migration: its file's name, its SQL and the SHA-256 of its bytes. */
export type Migration = { name: string; sql: string; checksum: string };

/** The migrations in a folder in the order of their numbers, which must be 0001, 0002 … without a gap. */
export async function readMigrations(dir = MIGRATIONS_DIR): Promise<Migration[]> {
  const names = (await readdir(dir)).filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name)).toSorted();
  names.forEach((name, index) => {
    if (Number(name.slice(0, 4)) !== index + 1)
      throw new AppError('failed_precondition', `migration ${name} is out of order: number ${index + 1} is missing`);
  });
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(dir, name), 'utf8');
      return { name, sql, checksum: sha256Of(sql) };
    }),
  );
}

/**
 * Brings the database to the newest migration, each file in a transaction of its own, and returns the names applied now.
 * Throws failed_precondition when an applied file has since changed, or when the database is newer than this code.
 */
export async function migrate(pool: Pool, migrations: Migration[]): Promise<string[]> {
  const client = await pool.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK_ID]);
    try {
      return await applyMissing(client, migrations);
    } finally {
      await client.query('select pg_advisory_unlock($1)', [LOCK_ID]);
    }
  } finally {
    client.release();
  }
}

async function applyMissing(client: PoolClient, migrations: Migration[]): Promise<string[]> {
  await client.query(`create table if not exists schema_migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null default now())`);
  const { rows } = await client.query<{ name: string; checksum: string }>(
    'select name, checksum from schema_migrations order by name',
  );
  rows.forEach(({ name, checksum }, index) => {
    const own = migrations[index];
    if (!own || own.name !== name)
      throw new AppError(
        'failed_precondition',
        `the database has migration ${name}, which this version does not know: run a newer version, or restore an older database`,
      );
    if (own.checksum !== checksum)
      throw new AppError(
        'failed_precondition',
        `migration ${name} was changed after it was applied: put its file back as it was and add a new migration instead`,
      );
  });
  const missing = migrations.slice(rows.length);
  for (const { name, sql, checksum } of missing) {
    await client.query('begin');
    try {
      await client.query(sql);
      await client.query('insert into schema_migrations (name, checksum) values ($1, $2)', [name, checksum]);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw new AppError('internal', `migration ${name} failed: ${(error as Error).message}`, { cause: error });
    }
  }
  return missing.map(({ name }) => name);
}
