import { sql } from 'kysely';
import type { ExpressionBuilder, Kysely, Selectable } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { Episode, EpisodeStatus, TerminalReason } from '../../schemas/episode.ts';
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

/** The episode with what it began with, or undefined where there is none with this id. */
export async function findEpisodeOrigin(db: Kysely<Database>, id: string): Promise<EpisodeOrigin | undefined> {
  const row = await db.selectFrom('episodes').selectAll().where('id', '=', id).executeTakeFirst();
  const said = row?.opening_message;
  const message = said && ({ id: said.id, author: said.author, words: { kind: 'message', key: said.id } } as const);
  return row && { episode: toEpisode(row), opening_message: message ?? null, runs: row.runs };
}

/** The same; throws not_found. */
export async function getEpisodeOrigin(db: Kysely<Database>, id: string): Promise<EpisodeOrigin> {
  const origin = await findEpisodeOrigin(db, id);
  if (!origin) throw new AppError('not_found', `no episode ${id}`);
  return origin;
}

/** The ids of the workflows of all episodes that have not ended. */
export async function listOpenWorkflows(db: Kysely<Database>): Promise<string[]> {
  const rows = await db.selectFrom('episodes').select('workflow_id').where('ended_at', 'is', null).execute();
  return rows.map(({ workflow_id }) => workflow_id);
}

/** Which episodes: all conditions at once. `q` holds words that the task or the failure must have; times bound creation. */
export type EpisodeFilter = {
  status?: EpisodeStatus;
  outcome?: TerminalReason;
  agent?: string;
  model?: string;
  tag?: string;
  q?: string;
  trace_id?: string;
  /** ISO 8601 UTC, the first one included, the last one not. */
  created_from?: string;
  created_to?: string;
};

/** Ids that begin so: hexadecimal digits, hyphens where they please. The bounds are what the primary key is read between. */
const beginningWith = (prefix: string) => {
  const digits = prefix.replaceAll('-', '').slice(0, UUID_DIGITS);
  return [digits.padEnd(UUID_DIGITS, '0'), digits.padEnd(UUID_DIGITS, 'f')] as const;
};
const UUID_DIGITS = 32;

/** The condition of a filter. */
export function matching(filter: EpisodeFilter) {
  const { status, outcome, agent, model, tag, q, trace_id, created_from, created_to } = filter;
  return (e: ExpressionBuilder<Database, 'episodes'>) =>
    e.and([
      ...(status ? [e('status', '=', status)] : []),
      ...(outcome ? [e('terminal_reason', '=', outcome)] : []),
      ...(agent ? [e('agent', '=', agent)] : []),
      ...(model ? [e('model', '=', model)] : []),
      ...(tag ? [sql<boolean>`tags @> array[${tag}::text]`] : []),
      ...(q ? [sql<boolean>`search_words(task, failure->>'message') @@ search_query(${q})`] : []),
      ...(trace_id ? [e('trace_id', '=', trace_id)] : []),
      ...(created_from ? [e('created_at', '>=', created_from)] : []),
      ...(created_to ? [e('created_at', '<', created_to)] : []),
    ]);
}

/** Episodes, newest first (ids are UUIDv7, so their order is that of creation), at most `limit` of those before `before`. */
export async function listEpisodes(
  db: Kysely<Database>,
  { limit, before, id_prefix, ...filter }: EpisodeFilter & { limit: number; before?: string; id_prefix?: string },
): Promise<Episode[]> {
  let query = db.selectFrom('episodes').selectAll().where(matching(filter)).orderBy('id', 'desc').limit(limit);
  if (before) query = query.where('id', '<', before);
  if (id_prefix !== undefined) {
    const [first, last] = beginningWith(id_prefix);
    query = query.where('id', '>=', first).where('id', '<=', last);
  }
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
