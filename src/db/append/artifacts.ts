import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';

/** Adds the row of an object that lies in the store, or brings a deleted one back; `created` is false when it was there. */
export async function insertArtifact(
  db: Kysely<Database>,
  { sha256, size_bytes }: { sha256: string; size_bytes: number },
): Promise<{ created: boolean }> {
  const { rows } = await sql`insert into artifacts (sha256, size_bytes) values (${sha256}, ${size_bytes})
    on conflict (sha256) do update set deleted_at = null where artifacts.deleted_at is not null
    returning sha256`.execute(db);
  return { created: rows.length > 0 };
}

/** Adds the rows of objects that lie in the store, or brings deleted ones back; in one order, so that no two wait for each other. */
export async function insertArtifacts(
  db: Kysely<Database>,
  objects: readonly { sha256: string; size_bytes: number }[],
): Promise<void> {
  if (objects.length === 0) return;
  await sql`insert into artifacts (sha256, size_bytes)
    select distinct on (sha256) sha256, size_bytes from unnest(${objects.map(({ sha256 }) => sha256)}::text[],
      ${objects.map(({ size_bytes }) => size_bytes)}::bigint[]) as new (sha256, size_bytes) order by sha256
    on conflict (sha256) do update set deleted_at = null where artifacts.deleted_at is not null`.execute(db);
}
