import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { ApiKeyRole } from '../../schemas/api-key.ts';
import type { Database } from '../../schemas/database.ts';

/** Adds a key by its SHA-256, once: the key itself is never stored here. */
export async function insertApiKey(
  db: Kysely<Database>,
  key: { name: string; role: ApiKeyRole; key_sha256: string },
): Promise<void> {
  await db
    .insertInto('api_keys')
    .values({ id: uuidv7(), ...key })
    .onConflict((conflict) => conflict.column('key_sha256').doNothing())
    .execute();
}
