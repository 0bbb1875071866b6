import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';

/** A migration that was applied: its file's name, and the checksum that the file had. */
export type AppliedMigration = { name: string; checksum: string };

/** Throws where the database does not answer. */
export async function askDatabase(db: Kysely<Database>): Promise<void> {
  await sql`select 1`.execute(db);
}

/** The server's version, its clock (Unix milliseconds), and whether any migration was ever applied. */
export async function readServer(
  db: Kysely<Database>,
): Promise<{ version: string; now_ms: number; migrated: boolean }> {
  const { rows } = await sql<{ version: string; now_ms: number; migrated: boolean }>`select
    current_setting('server_version') as version,
    (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms,
    to_regclass('schema_migrations') is not null as migrated`.execute(db);
  return rows[0] ?? { version: '', now_ms: 0, migrated: false };
}

/** The migrations that were applied, in order. Throws where none ever was: there is no table of them. */
export async function listMigrations(db: Kysely<Database>): Promise<AppliedMigration[]> {
  const { rows } = await sql<AppliedMigration>`select name, checksum from schema_migrations order by name`.execute(db);
  return rows;
}
