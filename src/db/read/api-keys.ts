import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { ApiKeyRole } from '../../schemas/api-key.ts';
import type { Database } from '../../schemas/database.ts';

/** A key as it may be shown: the key itself is stored nowhere. */
export type ApiKey = {
  id: string;
  name: string;
  role: ApiKeyRole;
  created_at: string;
  revoked_at: string | null;
};

/** Keys that one list shows. A deployment has a handful. */
const API_KEYS_LISTED_MAX = 1_000;

/** Who asks: a key that lives. */
export type KnownKey = Pick<ApiKey, 'id' | 'name' | 'role'>;

/** Name and role of the living key with this SHA-256, or undefined. */
export async function findApiKey(db: Kysely<Database>, keySha256: string): Promise<KnownKey | undefined> {
  return db
    .selectFrom('api_keys')
    .select(['id', 'name', 'role'])
    .where('key_sha256', '=', keySha256)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
}

/** The key that the living session with this token's SHA-256 was opened with, or undefined: also once the key is revoked. */
export async function findSessionKey(db: Kysely<Database>, tokenSha256: string): Promise<KnownKey | undefined> {
  return (
    db
      .selectFrom('sessions as session')
      .innerJoin('api_keys as key', 'key.id', 'session.api_key_id')
      .select(['key.id', 'key.role'])
      // Whoever shares a key may say who they are; the key's own name stays beside it.
      .select(sql<string>`coalesce(session.person || ' (' || key.name || ')', key.name)`.as('name'))
      .where('session.token_sha256', '=', tokenSha256)
      .where('session.expires_at', '>', sql<string>`clock_timestamp()`)
      .where('key.revoked_at', 'is', null)
      .executeTakeFirst()
  );
}

/** The newest keys, revoked ones too, newest first. */
export async function listApiKeys(db: Kysely<Database>): Promise<ApiKey[]> {
  return db
    .selectFrom('api_keys')
    .select(['id', 'name', 'role', 'created_at', 'revoked_at'])
    .orderBy('id', 'desc')
    .limit(API_KEYS_LISTED_MAX)
    .execute();
}
