import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import { FINAL_STATUSES } from '../../schemas/episode.ts';
import type { ReplayVerdict, WorkflowHistory } from '../../schemas/replay.ts';

/** Where an episode's runs are found: its workflow, and the runs that recorded steps or began it, oldest first. */
export type EpisodeRuns = { id: string; workflow_id: string; runs: string[] };

/** The episode's workflow and runs, or undefined where there is no episode with this id. */
export async function findEpisodeRuns(db: Kysely<Database>, id: string): Promise<EpisodeRuns | undefined> {
  const row = await db
    .selectFrom('episodes')
    .select(['id', 'workflow_id', 'runs', 'run_id'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (!row) return undefined;
  const { run_id, runs, ...plain } = row;
  return { ...plain, runs: run_id === null || runs.includes(run_id) ? runs : [...runs, run_id] };
}

/** The archived histories of an episode, in the order in which they were archived. */
export async function listHistories(db: Kysely<Database>, episodeId: string): Promise<WorkflowHistory[]> {
  return db
    .selectFrom('workflow_histories')
    .selectAll()
    .where('episode_id', '=', episodeId)
    .orderBy('archived_at')
    .orderBy('run_id')
    .execute();
}

/** The verdicts of replaying an episode's runs, newest first: one for each run and build. */
export async function listReplays(
  db: Kysely<Database>,
  { episode_id, limit }: { episode_id: string; limit: number },
): Promise<ReplayVerdict[]> {
  return db
    .selectFrom('replay_verdicts')
    .selectAll()
    .where('episode_id', '=', episode_id)
    .orderBy('replayed_at', 'desc')
    .orderBy('run_id')
    .limit(limit)
    .execute();
}

/** Ended episodes of the last `days` of which the newest run's history is not archived; oldest first. */
export async function listUnarchivedEpisodes(
  db: Kysely<Database>,
  { days, limit }: { days: number; limit: number },
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`select id from episodes e
    where status = any(${[...FINAL_STATUSES]}) and ended_at > clock_timestamp() - make_interval(days => ${days})
      and exists (select from unnest(runs || run_id) run where run is not null
        and not exists (select from workflow_histories h where h.episode_id = e.id and h.run_id = run))
    order by ended_at limit ${limit}`.execute(db);
  return rows.map(({ id }) => id);
}

/** Ids of the episodes that began in the last `since_s` seconds (undefined: ever), oldest first, at most `limit` after `after`. */
export async function listBegunEpisodes(
  db: Kysely<Database>,
  { since_s, after, limit }: { since_s: number | undefined; after: string | undefined; limit: number },
): Promise<string[]> {
  let query = db.selectFrom('episodes').select('id').where('started_at', 'is not', null).orderBy('id').limit(limit);
  if (since_s !== undefined)
    query = query.where('started_at', '>', sql<string>`clock_timestamp() - make_interval(secs => ${since_s})`);
  if (after !== undefined) query = query.where('id', '>', after);
  return (await query.execute()).map(({ id }) => id);
}
