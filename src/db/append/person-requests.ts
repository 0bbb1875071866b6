import type { Kysely } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import { sha256Of } from '../../identity.ts';

/** What a person asks of an episode, with the id under which it is asked once. */
export type PersonRequest =
  | { kind: 'message'; said: { author: string; text: string }; id: string }
  | { kind: 'pause'; said: { author: string; text: string }; id: string }
  | { kind: 'answer'; said: { author: string; step: number; approve: boolean; text: string }; id: string };

/**
 * Writes a request and its words under its id, before the episode's workflow hears of it. `replayed` says that the same one was
 * written before; another one under the same id throws `already_exists`.
 */
export async function insertPersonRequest(
  db: Kysely<Database>,
  episodeId: string,
  { kind, id: key, said }: PersonRequest,
): Promise<{ replayed: boolean }> {
  const members = Object.entries(said).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const request_sha256 = sha256Of(JSON.stringify(members));
  const place = { episode_id: episodeId, kind, key };
  const inserted = await db
    .insertInto('person_requests')
    .values({ ...place, request_sha256, words: said.text })
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
