import type { Kysely } from 'kysely';
import type { ApiKeyRole } from '../../schemas/api-key.ts';
import type { Database } from '../../schemas/database.ts';

/** The role of the living key with this SHA-256, or undefined. */
export async function findApiKey(
  db: Kysely<Database>,
  keySha256: string,
): Promise<{ id: string; role: ApiKeyRole } | undefined> {
  return db
    .selectFrom('api_keys')
    .select(['id', 'role'])
    .where('key_sha256', '=', keySha256)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
}
