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

/** Name and role of the living key with this SHA-256, or undefined. */
export async function findApiKey(
  db: Kysely<Database>,
  keySha256: string,
): Promise<{ id: string; name: string; role: ApiKeyRole } | undefined> {
  return db
    .selectFrom('api_keys')
    .select(['id', 'name', 'role'])
    .where('key_sha256', '=', keySha256)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
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
