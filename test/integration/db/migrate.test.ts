import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase } from '../../../src/db/client.ts';
import type { DatabaseClient } from '../../../src/db/client.ts';
import { migrate, readMigrations } from '../../../src/db/migrate.ts';
import type { Migration } from '../../../src/db/migrate.ts';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let client: DatabaseClient;
let migrations: Migration[];
const [one, two] = ['0001_a.sql', '0002_b.sql'].map((name, index) => ({
  name,
  sql: `create table t${index} (id int)`,
  checksum: String(index),
})) as [Migration, Migration];

beforeAll(async () => {
  database = await createTestDatabase();
  client = database.client;
  migrations = await readMigrations();
});
afterAll(() => database[Symbol.asyncDispose]());

/** A schema of the test's own, as the search path of its one connection. */
async function emptySchema(name: string): Promise<DatabaseClient> {
  await client.pool.query(`create schema ${name}`);
  const url = new URL(database.url);
  const own = createDatabase(url.href, { connections: 1 });
  await own.pool.query(`set search_path = ${name}`);
  return own;
}

test('a database at the newest migration is left as it is', async () => {
  expect(await migrate(client.pool, migrations)).toEqual([]);
});

test('migrations are applied once each, in order', async () => {
  await using own = await emptySchema('in_order');
  expect(await migrate(own.pool, [one])).toEqual(['0001_a.sql']);
  expect(await migrate(own.pool, [one, two])).toEqual(['0002_b.sql']);
  expect((await own.pool.query('select count(*) from t1')).rows).toEqual([{ count: 0 }]);
});

test('a migration that was changed after it was applied is refused by name', async () => {
  await using own = await emptySchema('changed');
  await migrate(own.pool, [one]);
  await expect(migrate(own.pool, [{ ...one, checksum: 'other' }])).rejects.toThrow(/0001_a\.sql was changed after/);
});

test('a database newer than the code is refused', async () => {
  await using own = await emptySchema('newer');
  await migrate(own.pool, [one, two]);
  await expect(migrate(own.pool, [one])).rejects.toThrow(/has migration 0002_b\.sql, which this version does not know/);
});

test('a migration that fails leaves nothing of itself', async () => {
  await using own = await emptySchema('broken');
  const broken = { ...two, sql: 'create table half (id int); select nonsense' };
  await expect(migrate(own.pool, [one, broken])).rejects.toThrow(/migration 0002_b\.sql failed: column "nonsense"/);
  expect((await own.pool.query(`select to_regclass('half') as half`)).rows).toEqual([{ half: null }]);
  expect(await migrate(own.pool, [one, two])).toEqual(['0002_b.sql']);
});

test('two processes that start at once apply each migration once', async () => {
  await using other = await createTestDatabase();
  const own = other.client;
  await own.pool.query('drop schema public cascade; create schema public');
  const applied = await Promise.all([migrate(own.pool, migrations), migrate(own.pool, migrations)]);
  expect(applied.flat().toSorted()).toEqual(migrations.map(({ name }) => name));
});
