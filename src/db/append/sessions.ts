import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { KnownKey } from '../read/api-keys.ts';

/** A secret by its SHA-256, the key that it takes the place of, and for how many seconds. */
type NewToken = { token_sha256: string; api_key_id: string; lasts_s: number };

/** Adds a session by its token's SHA-256: the token itself is stored nowhere. Those that have expired go. */
export async function insertSession(
  db: Kysely<Database>,
  { token_sha256, api_key_id, person, lasts_s }: NewToken & { person: string | null },
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
      person,
      expires_at: sql<string>`clock_timestamp() + make_interval(secs => ${lasts_s})`,
    })
    .returning('expires_at')
    .executeTakeFirstOrThrow();
}

/** Ends a session; one that is not there stays ended. */
export async function deleteSession(db: Kysely<Database>, tokenSha256: string): Promise<void> {
  await db.deleteFrom('sessions').where('token_sha256', '=', tokenSha256).execute();
}

/** Adds a link that signs in once, by its token's SHA-256. Those that have expired go. */
export async function insertSignInLink(
  db: Kysely<Database>,
  { token_sha256, api_key_id, lasts_s }: NewToken,
): Promise<{ expires_at: string }> {
  await db
    .deleteFrom('sign_in_links')
    .where('expires_at', '<=', sql<string>`clock_timestamp()`)
    .execute();
  return db
    .insertInto('sign_in_links')
    .values({
      token_sha256,
      api_key_id,
      expires_at: sql<string>`clock_timestamp() + make_interval(secs => ${lasts_s})`,
    })
    .returning('expires_at')
    .executeTakeFirstOrThrow();
}

/** The living key that a link signs in with, or undefined; the link is used up by it, whoever asks at the same time. */
export async function takeSignInLink(db: Kysely<Database>, tokenSha256: string): Promise<KnownKey | undefined> {
  const taken = await db
    .deleteFrom('sign_in_links')
    .where('token_sha256', '=', tokenSha256)
    .where('expires_at', '>', sql<string>`clock_timestamp()`)
    .returning('api_key_id')
    .executeTakeFirst();
  if (!taken) return undefined;
  return db
    .selectFrom('api_keys')
    .select(['id', 'name', 'role'])
    .where('id', '=', taken.api_key_id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
}
