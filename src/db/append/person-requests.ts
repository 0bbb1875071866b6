import type { Kysely } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { PersonAnswer, PersonMessage } from '../../schemas/turn.ts';
import { sha256Of } from '../../identity.ts';

/** What a person asks of an episode, with the id under which it is asked once. */
export type PersonRequest =
  | { kind: 'message'; said: Omit<PersonMessage, 'id'>; id: string }
  | { kind: 'answer'; said: Omit<PersonAnswer, 'id'>; id: string };

/**
 * Notes a request under its id. `replayed` says that the same one was noted before; another one under the same id throws
 * `already_exists`.
 */
export async function insertPersonRequest(
  db: Kysely<Database>,
  episodeId: string,
  { kind, id: key, said }: PersonRequest,
): Promise<{ replayed: boolean }> {
  const words = Object.entries(said).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const request_sha256 = sha256Of(JSON.stringify(words));
  const place = { episode_id: episodeId, kind, key };
  const inserted = await db
    .insertInto('person_requests')
    .values({ ...place, request_sha256 })
    .onConflict((conflict) => conflict.columns(['episode_id', 'kind', 'key']).doNothing())
    .returning('key')
    .executeTakeFirst();
  if (inserted) return { replayed: false };
  const earlier = await db
    .selectFrom('person_requests')
    .select('request_sha256')
    .where('episode_id', '=', episodeId)
    .where('kind', '=', kind)
    .where('key', '=', key)
    .executeTakeFirstOrThrow();
  if (earlier.request_sha256 === request_sha256) return { replayed: true };
  throw new AppError('already_exists', `another ${kind} was sent under this id or Idempotency-Key: choose a new one`);
}
