import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';

type Request = { kind: 'message' | 'answer' | 'pause'; key: string };

/** The words of a person's request, which are heard from then on; of a fork's first message too. Undefined where the record has none. */
export async function hearWords(
  db: Kysely<Database>,
  episodeId: string,
  { kind, key }: Request,
): Promise<string | undefined> {
  const row = await db
    .updateTable('person_requests')
    .set({ heard_at: sql`coalesce(heard_at, clock_timestamp())` })
    .where('episode_id', '=', episodeId)
    .where('kind', '=', kind)
    .where('key', '=', key)
    .returning('words')
    .executeTakeFirst();
  if (row && row.words !== null) return row.words;
  const episode = await db
    .selectFrom('episodes')
    .select('opening_message')
    .where('id', '=', episodeId)
    .executeTakeFirst();
  const opening = episode?.opening_message;
  return kind === 'message' && opening?.id === key ? opening.text : undefined;
}

/** Gives up words that no run heard, of at most `limit` requests to episodes that ended before so many seconds; returns how many. */
export async function deleteUnheardWords(
  db: Kysely<Database>,
  { age_s, limit }: { age_s: number; limit: number },
): Promise<number> {
  const { numAffectedRows } = await sql`delete from person_requests where (episode_id, kind, key) in (
    select r.episode_id, r.kind, r.key from person_requests r join episodes e on e.id = r.episode_id
    where r.words is not null and r.heard_at is null and e.ended_at < clock_timestamp() - make_interval(secs => ${age_s})
    limit ${limit})`.execute(db);
  return Number(numAffectedRows ?? 0n);
}
