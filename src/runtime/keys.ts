import { randomBytes } from 'node:crypto';
import { insertApiKey, revokeApiKey } from '../db/append/api-keys.ts';
import { createDatabase } from '../db/client.ts';
import { listApiKeys } from '../db/read/api-keys.ts';
import type { ApiKey } from '../db/read/api-keys.ts';
import type { ApiKeyRole } from '../schemas/api-key.ts';
import type { Config } from '../config/config.ts';
import { sha256Of } from '../identity.ts';

/** As hard to guess as the hash under which a key is kept. */
const KEY_BYTES = 32;
/** So that people and scanners see what it is. */
const KEY_PREFIX = 'obs_';

/** The keys of a deployment, in its database: they can be made before the API can be asked. */
export type Keys = AsyncDisposable & {
  /** Makes a key. This is the only time that anybody sees it: the database keeps its SHA-256. */
  create(name: string, role: ApiKeyRole): Promise<{ id: string; name: string; role: ApiKeyRole; key: string }>;
  /** The newest keys, revoked ones too. */
  list(): Promise<ApiKey[]>;
  /** Revokes a key. Throws not_found. */
  revoke(id: string): Promise<ApiKey>;
};

/** Opens the keys of the deployment that the configuration describes. */
export function openKeys(config: Config): Keys {
  const database = createDatabase(config.database_url.reveal(), { connections: 1 });
  return {
    async create(name, role) {
      const key = `${KEY_PREFIX}${randomBytes(KEY_BYTES).toString('base64url')}`;
      const key_sha256 = sha256Of(key);
      return { id: await insertApiKey(database.db, { name, role, key_sha256 }), name, role, key };
    },
    list: () => listApiKeys(database.db),
    revoke: (id) => revokeApiKey(database.db, id),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
