import { randomUUID } from 'node:crypto';
import { createDatabase } from '../../src/db/client.ts';
import type { DatabaseClient } from '../../src/db/client.ts';
import { migrate, readMigrations } from '../../src/db/migrate.ts';

/** A database of a test file's own on the shared server, at the newest migration; disposing of it drops it. */
export type TestDatabase = AsyncDisposable & { url: string; client: DatabaseClient };

/** Creates, migrates and opens a database on this server: the one of vitest's set-up where none is named. */
export async function createTestDatabase(url_of_server?: string): Promise<TestDatabase> {
  // Loaded only here: outside vitest, where the chaos harness runs, the module refuses to load.
  const server = url_of_server ?? (await import('vitest')).inject('environment')['DATABASE_URL'];
  if (server === undefined) throw new Error('The test servers did not provide DATABASE_URL.');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  await onServer(server, `create database ${name}`);
  const client = createDatabase(url.href);
  await migrate(client.pool, await readMigrations());
  return {
    url: url.href,
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await onServer(server, `drop database ${name} with (force)`);
    },
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  await using server = createDatabase(url, { connections: 1 });
  await server.pool.query(statement);
}
