import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { Episode, EpisodeStatus } from '../../schemas/episode.ts';

type Row = Selectable<Database['episodes']>;

/** The row without what is the record's own business. */
export function toEpisode({ runs: _runs, idempotency_key: _key, request_sha256: _hash, ...episode }: Row): Episode {
  return episode;
}

/** The episode, or undefined where there is none with this id. */
async function findEpisode(db: Kysely<Database>, id: string): Promise<Episode | undefined> {
  const row = await db.selectFrom('episodes').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toEpisode(row);
}

/** The episode; throws not_found. */
export async function getEpisode(db: Kysely<Database>, id: string): Promise<Episode> {
  const episode = await findEpisode(db, id);
  if (!episode) throw new AppError('not_found', `no episode ${id}`);
  return episode;
}

/** Episodes, newest first (ids are UUIDv7, so their order is that of creation), at most `limit` of those before `before`. */
export async function listEpisodes(
  db: Kysely<Database>,
  filter: { limit: number; before?: string; status?: EpisodeStatus; agent?: string; tag?: string },
): Promise<Episode[]> {
  let query = db.selectFrom('episodes').selectAll().orderBy('id', 'desc').limit(filter.limit);
  if (filter.before) query = query.where('id', '<', filter.before);
  if (filter.status) query = query.where('status', '=', filter.status);
  if (filter.agent) query = query.where('agent', '=', filter.agent);
  if (filter.tag) query = query.where(sql<boolean>`tags @> array[${filter.tag}::text]`);
  return (await query.execute()).map(toEpisode);
}

/** Episodes that were accepted at least `age_s` seconds ago and that no workflow has begun, oldest first, at most `limit`. */
export async function listUnstartedEpisodes(
  db: Kysely<Database>,
  { age_s, limit }: { age_s: number; limit: number },
): Promise<Episode[]> {
  const rows = await db
    .selectFrom('episodes')
    .selectAll()
    .where('status', '=', 'queued')
    .where('created_at', '<=', sql<string>`clock_timestamp() - make_interval(secs => ${age_s})`)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(toEpisode);
}

/** Ids of episodes that ended more than `days` days ago, in their order (of creation), at most `limit` of those after `after`. */
export async function listExpiredEpisodes(
  db: Kysely<Database>,
  { days, limit, after }: { days: number; limit: number; after: string | null },
): Promise<string[]> {
  const rows = await db
    .selectFrom('episodes')
    .select('id')
    .where('ended_at', '<', sql<string>`clock_timestamp() - make_interval(days => ${days})`)
    .$if(after !== null, (query) => query.where('id', '>', after))
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}
