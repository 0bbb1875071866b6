import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { EpisodeStatus, Stuck } from '../../schemas/episode.ts';

/** What a look from outside needs to know of an episode. */
export type LookedAt = {
  id: string;
  workflow_id: string;
  run_id: string | null;
  status: EpisodeStatus;
  open: boolean;
  stuck: Stuck | null;
};

/** Episodes that a look from outside ended are looked at for this many days more: Temporal's own reset may open them again. */
const REOPEN_DAYS = 90;

/**
 * The episodes to hold against Temporal: those that are open, but for those that wait to be carried on after a restore, and
 * those that were ended because their workflow was; oldest first, at most `limit` of those after `after`.
 */
export async function listLookedAt(
  db: Kysely<Database>,
  { limit, after }: { limit: number; after: string | null },
): Promise<LookedAt[]> {
  const { rows } = await sql<LookedAt>`select id, workflow_id, run_id, status, ended_at is null as open, stuck
    from episodes e where (ended_at is null or (terminal_reason in ('TERMINATED', 'WORKFLOW_LOST')
      and ended_at > clock_timestamp() - make_interval(days => ${REOPEN_DAYS})))
    and not exists (select from restored_episodes where episode_id = e.id and continued_at is null)
    and (${after}::uuid is null or id > ${after}::uuid) order by id limit ${limit}`.execute(db);
  return rows;
}

/** The episodes that are stuck, longest first, at most `limit`. */
export async function listStuck(db: Kysely<Database>, limit: number): Promise<{ id: string; stuck: Stuck }[]> {
  const { rows } = await sql<{ id: string; stuck: Stuck }>`select id, stuck from episodes
    where ended_at is null and stuck is not null order by stuck ->> 'since', id limit ${limit}`.execute(db);
  return rows;
}
