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
