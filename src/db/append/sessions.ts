import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';

/** Adds a session by its token's SHA-256: the token itself is stored nowhere. Those that have expired go. */
export async function insertSession(
  db: Kysely<Database>,
  { token_sha256, api_key_id, lasts_s }: { token_sha256: string; api_key_id: string; lasts_s: number },
): Promise<{ expires_at: string }> {
  await db
    .deleteFrom('sessions')
    .where('expires_at', '<=', sql<string>`clock_timestamp()`)
    .execute();
  return db
    .insertInto('sessions')
    .values({
      token_sha256,
      api_key_id,
      expires_at: sql<string>`clock_timestamp() + make_interval(secs => ${lasts_s})`,
    })
    .returning('expires_at')
    .executeTakeFirstOrThrow();
}

/** Ends a session; one that is not there stays ended. */
export async function deleteSession(db: Kysely<Database>, tokenSha256: string): Promise<void> {
  await db.deleteFrom('sessions').where('token_sha256', '=', tokenSha256).execute();
}
