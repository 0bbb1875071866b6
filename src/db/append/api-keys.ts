import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { AppError } from '../../errors.ts';
import type { ApiKeyRole } from '../../schemas/api-key.ts';
import type { Database } from '../../schemas/database.ts';
import type { ApiKey } from '../read/api-keys.ts';

/** Adds a key by its SHA-256, once: the key itself is never stored here. Returns its id. */
export async function insertApiKey(
  db: Kysely<Database>,
  key: { name: string; role: ApiKeyRole; key_sha256: string },
): Promise<string> {
  const { id } = await db
    .insertInto('api_keys')
    .values({ id: uuidv7(), ...key })
    // Touches nothing: a row that is there already is to be returned too.
    .onConflict((conflict) => conflict.column('key_sha256').doUpdateSet({ key_sha256: key.key_sha256 }))
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** Revokes a key from its next request on, and returns it; one that is revoked stays so since then. Throws not_found. */
export async function revokeApiKey(db: Kysely<Database>, id: string): Promise<ApiKey> {
  const revoked = await db
    .updateTable('api_keys')
    .set((e) => ({ revoked_at: e.fn.coalesce('revoked_at', sql<string>`clock_timestamp()`) }))
    .where('id', '=', id)
    .returning(['id', 'name', 'role', 'created_at', 'revoked_at'])
    .executeTakeFirst();
  if (!revoked) throw new AppError('not_found', `There is no key ${id}: \`observatory keys list\` shows them.`);
  return revoked;
}
