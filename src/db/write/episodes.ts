import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import { FINAL_STATUSES } from '../../schemas/episode.ts';
import type { EpisodeStatus } from '../../schemas/episode.ts';
import type { EpisodeOutcome } from '../../schemas/turn.ts';
import { reopened } from './line.ts';

/** Moves an episode between the statuses that are not final. One that has ended stays as it is. */
export async function setEpisodeStatus(
  db: Kysely<Database>,
  id: string,
  status: Exclude<EpisodeStatus, EpisodeOutcome['status']>,
): Promise<void> {
  await changeStatus(db, id, { status });
}

/** Notes that a workflow run has begun to work on the episode. */
export async function beginEpisode(db: Kysely<Database>, id: string, runId: string): Promise<void> {
  await changeStatus(db, id, {
    ...reopened(runId),
    started_at: sql<string>`coalesce(started_at, clock_timestamp())`,
  });
}

/** Names the LangGraph thread that holds the episode's graph. */
export async function setThread(db: Kysely<Database>, id: string, threadId: string): Promise<void> {
  await db.updateTable('episodes').set({ thread_id: threadId }).where('id', '=', id).execute();
}

/** Notes where a re-run first asked something else than its record; of several the first counts. */
export async function noteMiss(db: Kysely<Database>, id: string, miss: { seq: number; reason: string }): Promise<void> {
  await db
    .updateTable('episodes')
    .set({ recorded_miss: JSON.stringify(miss) })
    .where('id', '=', id)
    .where(sql<boolean>`recorded_miss is null or (recorded_miss ->> 'seq')::int > ${miss.seq}`)
    .execute();
}

/**
 * Ends an episode, whatever it was doing. Ending it again with a newer run's outcome (a reset) replaces the older one; a run
 * that another has overtaken by then ends nothing: that throws `aborted`.
 */
export async function endEpisode(
  db: Kysely<Database>,
  id: string,
  end: EpisodeOutcome & { run_id?: string | undefined },
): Promise<void> {
  const { failure, run_id, ...plain } = end;
  const { numUpdatedRows } = await db
    .updateTable('episodes')
    .set((e) => ({
      ...plain,
      failure: failure && JSON.stringify(failure),
      stuck: null,
      started_at: sql`coalesce(started_at, clock_timestamp())`,
      ended_at: sql`clock_timestamp()`,
      last_stream_seq: e('last_stream_seq', '+', 1),
    }))
    .where('id', '=', id)
    .where(
      sql<boolean>`(${run_id ?? null}::text is null or ${run_id ?? ''} <> all(runs) or ${run_id ?? ''} = runs[cardinality(runs)])`,
    )
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new AppError('aborted', `run ${run_id} of episode ${id} was overtaken by another`);
}

type Change =
  | { status: EpisodeStatus; run_id?: never }
  | (ReturnType<typeof reopened> & { started_at: ReturnType<typeof sql<string>> });

async function changeStatus(db: Kysely<Database>, id: string, change: Change): Promise<void> {
  await db
    .updateTable('episodes')
    .set((e) => ({ ...change, last_stream_seq: e('last_stream_seq', '+', 1) }))
    .where('id', '=', id)
    .$if(!change.run_id, (query) => query.where('status', 'not in', FINAL_STATUSES))
    .execute();
}
