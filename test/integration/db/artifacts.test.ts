// Artifacts that are given up while somebody stores or links them: whoever comes first, no row is left without its bytes.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { insertArtifact } from '../../../src/db/append/artifacts.ts';
import { insertEpisode } from '../../../src/db/append/episodes.ts';
import { claimArtifact, forgetArtifacts, tombstoneArtifacts } from '../../../src/db/write/artifacts.ts';
import { until } from '../../../src/embedded/until.ts';
import { StartEpisode } from '../../../src/schemas/episode.ts';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => database.client.pool.query('truncate artifacts cascade'));

const SHA = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const EVERY = { after: '', hours: 48, limit: 10 };

async function add(sha256: string, days: { old: number; deleted?: number }): Promise<void> {
  await database.client.pool.query(
    `insert into artifacts (sha256, size_bytes, created_at, deleted_at)
     values ($1, 1, now() - make_interval(days => $2), now() - make_interval(days => $3))`,
    [sha256, days.old, days.deleted ?? null],
  );
}
/** Resolves when some statement in this database waits for a lock. */
const untilBlocked = () =>
  until({
    what: 'a statement that waits',
    duration_ms_max: 30_000,
    attempt: async () => {
      const { rows } = await database.client.pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.length > 0 ? true : undefined;
    },
  });
const rowOf = async (sha256: string) =>
  database.client.db.selectFrom('artifacts').select('deleted_at').where('sha256', '=', sha256).executeTakeFirst();

test('what an episode was started with, and what is young, is not marked', async () => {
  const { db } = database.client;
  await add(SHA, { old: 3 });
  await add(OTHER, { old: 1 });
  const request = StartEpisode.parse({ task: 'a test', inputs: [{ path: '/in.txt', sha256: SHA }] });
  await insertEpisode(db, { request, namespace: 'tests', idempotency_key: null, code_version: null });
  expect(await tombstoneArtifacts(db, EVERY)).toEqual({ deleted: 0, next: null });
  await database.client.pool.query('delete from episodes');
  expect(await tombstoneArtifacts(db, { ...EVERY, limit: 1 })).toEqual({ deleted: 1, next: SHA });
  expect(await tombstoneArtifacts(db, { ...EVERY, after: SHA })).toEqual({ deleted: 0, next: null });
  expect(await rowOf(OTHER)).toEqual({ deleted_at: null });
});

test('one that is started with an artifact while that is marked waits, and is refused where it is gone', async () => {
  const { db, pool } = database.client;
  await add(SHA, { old: 3 });
  const request = StartEpisode.parse({ task: 'a test', inputs: [{ path: '/in.txt', sha256: SHA }] });
  const accepted = { request, namespace: 'tests', idempotency_key: null, code_version: null };
  const client = await pool.connect();
  await client.query('begin');
  await client.query('select from artifacts for update');
  await client.query('update artifacts set deleted_at = now()');
  const starting = insertEpisode(db, accepted);
  starting.catch(() => {});
  await untilBlocked();
  await client.query('commit');
  client.release();
  await expect(starting).rejects.toMatchObject({ code: 'failed_precondition' });
  expect((await pool.query('select from episodes')).rows).toEqual([]);
});

test('a link that commits while its artifact is being marked keeps it', async () => {
  const { db, pool } = database.client;
  await add(SHA, { old: 3 });
  const client = await pool.connect();
  await client.query('begin');
  // A table that refers to artifacts by a foreign key, as any of the record's does.
  await client.query('create table if not exists test_links (sha256 text references artifacts)');
  await client.query('commit');
  await client.query('begin');
  await client.query('insert into test_links values ($1)', [SHA]);
  const marking = tombstoneArtifacts(db, EVERY);
  await untilBlocked();
  await client.query('commit');
  client.release();
  expect(await marking).toMatchObject({ deleted: 0 });
  expect(await rowOf(SHA)).toEqual({ deleted_at: null });
  await pool.query('drop table test_links');
});

test('who stores an artifact again before its bytes go keeps them, and who comes later stores them anew', async () => {
  const { db } = database.client;
  await add(SHA, { old: 9, deleted: 3 });
  await add(OTHER, { old: 9, deleted: 3 });
  await claimArtifact(db, OTHER);
  const order: string[] = [];
  let storing: Promise<unknown> = Promise.resolve();
  const gone = await forgetArtifacts(db, { sha256s: [SHA, OTHER], hours: 48 }, async (sha256s) => {
    storing = claimArtifact(db, SHA).then(async () => {
      order.push('claimed');
      return insertArtifact(db, { sha256: SHA, size_bytes: 1 });
    });
    await untilBlocked();
    order.push(`removed ${sha256s.length}`);
  });
  await storing;
  expect(gone).toEqual([SHA]);
  expect(order).toEqual(['removed 1', 'claimed']);
  expect(await rowOf(SHA)).toEqual({ deleted_at: null });
  expect(await rowOf(OTHER)).toEqual({ deleted_at: null });
});
