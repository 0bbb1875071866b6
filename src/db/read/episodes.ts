import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { Episode, EpisodeStatus } from '../../schemas/episode.ts';
import type { PersonMessage } from '../../schemas/turn.ts';

type Row = Selectable<Database['episodes']>;

/** The row without what is the record's own business. */
export function toEpisode(row: Row): Episode {
  const { runs: _runs, reopened_by: _by, parent_runs: _count, opening_message: _said, ...rest } = row;
  const { idempotency_key: _key, request_sha256: _hash, ...episode } = rest;
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

/** What an episode began with, and the runs that worked on it, oldest first. */
export type EpisodeOrigin = { episode: Episode; opening_message: PersonMessage | null; runs: string[] };

/** The episode with what it began with; throws not_found. */
export async function getEpisodeOrigin(db: Kysely<Database>, id: string): Promise<EpisodeOrigin> {
  const row = await db.selectFrom('episodes').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw new AppError('not_found', `no episode ${id}`);
  return { episode: toEpisode(row), opening_message: row.opening_message, runs: row.runs };
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
