import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import type { Database } from '../../schemas/database.ts';
import type { DatabaseDump, RestoreDrill, RestorePoint, TableFigures } from '../../schemas/restore-point.ts';

/** Rows that one fetch of the reference list brings. */
const REFERENCES_PER_FETCH = 10_000;

/** An artifact that a restore point must hold. */
export type Reference = { sha256: string; size_bytes: number };

/** A snapshot that stays open, and that `pg_dump --snapshot=<id>` can share, until it is disposed of. */
export type Snapshot = AsyncDisposable & {
  id: string;
  facts: Pick<DatabaseDump, 'name' | 'server_version' | 'lsn' | 'migration' | 'restore_epoch' | 'snapshot_at'>;
  /** Exact figures of every table, in the order of their names. */
  tables: () => Promise<TableFigures[]>;
  /** Every live artifact in the order of its hash. */
  references: () => AsyncGenerator<Reference>;
};

/** Opens a read-only snapshot on a connection of its own and exports it. */
export async function openSnapshot(pool: Pool): Promise<Snapshot> {
  const client = await pool.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    // Counting and dumping a large database take longer than any statement of ours otherwise may.
    await client.query('set local statement_timeout = 0');
    await client.query('set local idle_in_transaction_session_timeout = 0');
    const { rows } = await client.query<{ id: string } & Snapshot['facts']>(`select pg_export_snapshot() as id,
      current_database() as name, current_setting('server_version') as server_version, clock_timestamp() as snapshot_at,
      (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as lsn,
      (select max(name) from schema_migrations) as migration, (select restore_epoch from deployment) as restore_epoch`);
    const [row] = rows as [(typeof rows)[number]];
    const { id, ...facts } = row;
    return {
      id,
      facts,
      tables: () => tableFigures(client),
      references: () => references(client),
      async [Symbol.asyncDispose]() {
        // The connection goes with its transaction: whatever state a failure left it in, nobody else gets it.
        client.release(true);
      },
    };
  } catch (error) {
    client.release(true);
    throw error;
  }
}

async function* references(client: PoolClient): AsyncGenerator<Reference> {
  await client.query(`declare live_artifacts no scroll cursor for
    select sha256, size_bytes from artifacts where deleted_at is null order by sha256 collate "C"`);
  for (;;) {
    const { rows } = await client.query<Reference>(`fetch ${REFERENCES_PER_FETCH} from live_artifacts`);
    yield* rows;
    if (rows.length < REFERENCES_PER_FETCH) break;
  }
  await client.query('close live_artifacts');
}

/** Exact figures of every table of the database that the pool reaches, as a restore is compared by. */
export async function listTableFigures(pool: Pool): Promise<TableFigures[]> {
  const client = await pool.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    await client.query('set local statement_timeout = 0');
    return await tableFigures(client);
  } finally {
    await client.query('rollback').catch(() => {}); // The first error is the one that counts.
    client.release();
  }
}

async function tableFigures(client: PoolClient): Promise<TableFigures[]> {
  const { rows: names } = await client.query<{ name: string }>(`select format('%I.%I', nspname, relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema') and nspname not like 'pg\\_%'
    order by 1`);
  const figures: TableFigures[] = [];
  for (const { name } of names) {
    const { rows } = await client.query<{ rows: number; rows_hash: string }>(`select count(*) as rows,
      coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text as rows_hash from only ${name} t`);
    figures.push({ name, ...(rows[0] as { rows: number; rows_hash: string }) });
  }
  return figures;
}

/** Size in bytes of the whole database on the server's disk. */
export async function readDatabaseSize(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`select pg_database_size(current_database()) as bytes`.execute(db);
  return rows[0]?.bytes ?? 0;
}

/** The server's version as it writes it, e.g. `15.18 (Debian 15.18-0)`. */
export async function readServerVersion(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ version: string }>`select current_setting('server_version') as version`.execute(db);
  return rows[0]?.version ?? '';
}

/** Links of steps and events that name no artifact, and constraints that are not validated: both must be none in a restored database. */
export async function countBroken(db: Kysely<Database>): Promise<{ dangling_links: number; unvalidated: number }> {
  return db.transaction().execute(async (tx) => {
    // Every row is looked at, which in a large database takes longer than a statement otherwise may.
    await sql`set local statement_timeout = 0`.execute(tx);
    const { rows } = await sql<{ dangling_links: number; unvalidated: number }>`select
      (select count(*) from step_artifacts l where not exists (select from artifacts a where a.sha256 = l.sha256 and a.deleted_at is null))
      + (select count(*) from steps s where workspace_sha256 is not null
          and not exists (select from artifacts a where a.sha256 = s.workspace_sha256 and a.deleted_at is null))
      + (select count(*) from events e where exact_sha256 is not null
          and not exists (select from artifacts a where a.sha256 = e.exact_sha256 and a.deleted_at is null)) as dangling_links,
      (select count(*) from pg_constraint where not convalidated) as unvalidated`.execute(tx);
    return rows[0] ?? { dangling_links: 0, unvalidated: 0 };
  });
}

/** What is proven about these objects of the mirror: hash → size and the etag under which it was hashed. */
export async function findMirrorObjects(
  db: Kysely<Database>,
  sha256s: string[],
): Promise<Map<string, { size_bytes: number; etag: string }>> {
  if (sha256s.length === 0) return new Map();
  const rows = await db
    .selectFrom('mirror_objects')
    .select(['sha256', 'size_bytes', 'etag'])
    .where(sql<boolean>`sha256 = any(${sha256s})`)
    .execute();
  return new Map(rows.map(({ sha256, ...rest }) => [sha256, rest]));
}

/** This share of the mirror's objects, those whose last proof is oldest and at least `age_h` hours ago, each with the etag that it had then. */
export async function listStalestMirrorObjects(
  db: Kysely<Database>,
  { share, age_h, limit }: { share: number; age_h: number; limit: number },
): Promise<(Reference & { etag: string })[]> {
  const { rows } = await sql<Reference & { etag: string }>`select sha256, size_bytes, etag from mirror_objects
    where unreferenced_at is null and verified_at < clock_timestamp() - make_interval(hours => ${age_h}) order by verified_at
    limit least(${limit}, ceil((select count(*) from mirror_objects) * ${share}::float8)::int)`.execute(db);
  return rows;
}

/** Sums over the mirror: what was hashed within `days` days is re-read. */
export async function readMirrorSums(
  db: Kysely<Database>,
  days: number,
): Promise<{ objects: number; bytes: number; reread_share: number }> {
  const { rows } = await sql<{ objects: number; bytes: number; reread_share: number }>`select count(*) as objects,
    coalesce(sum(size_bytes), 0)::bigint as bytes,
    coalesce(avg((verified_at > clock_timestamp() - make_interval(days => ${days}))::int), 0)::float8 as reread_share
    from mirror_objects`.execute(db);
  return rows[0] ?? { objects: 0, bytes: 0, reread_share: 0 };
}

/** Tries at restore points, newest first, at most `limit`. */
export async function listRestorePoints(
  db: Kysely<Database>,
  filter: { limit: number; before?: string; status?: RestorePoint['status'] },
): Promise<RestorePoint[]> {
  let query = db.selectFrom('restore_points').selectAll().orderBy('id', 'desc').limit(filter.limit);
  if (filter.before) query = query.where('id', '<', filter.before);
  if (filter.status) query = query.where('status', '=', filter.status);
  return query.execute();
}

/** Drills, newest first, at most `limit`. */
export async function listRestoreDrills(
  db: Kysely<Database>,
  filter: { limit: number; status?: RestoreDrill['status'] },
): Promise<RestoreDrill[]> {
  let query = db.selectFrom('restore_drills').selectAll().orderBy('id', 'desc').limit(filter.limit);
  if (filter.status) query = query.where('status', '=', filter.status);
  return query.execute();
}

/** Hashes of live artifacts made since then (ISO time or `-infinity`), newest first, at most `limit`. */
export async function listNewArtifacts(
  db: Kysely<Database>,
  { since, limit }: { since: string; limit: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('artifacts')
    .select('sha256')
    .where('deleted_at', 'is', null)
    .where('created_at', '>=', since)
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ sha256 }) => sha256);
}

/** Ids of the episodes that were open in the snapshot this record was restored from, and have no new run yet; oldest first. */
export async function listRestoredEpisodes(db: Kysely<Database>): Promise<string[]> {
  const rows = await db
    .selectFrom('restored_episodes')
    .select('episode_id')
    .where('continued_at', 'is', null)
    .orderBy('episode_id')
    .execute();
  return rows.map(({ episode_id }) => episode_id);
}

/** Databases of the server whose names begin so. */
export async function listDatabases(pool: Pool, prefix: string): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    'select datname as name from pg_database where starts_with(datname, $1) order by 1',
    [prefix],
  );
  return rows.map(({ name }) => name);
}

/** Whether the database has any table of its own. */
export async function hasTables(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query(`select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema') limit 1`);
  return rows.length > 0;
}
