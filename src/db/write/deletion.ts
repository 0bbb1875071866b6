import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { DeletedEpisode } from '../../schemas/episode.ts';
import { threadIdOf } from '../../identity.ts';
import { LANGGRAPH_SCHEMA } from '../checkpointer.ts';

/** Names by which others know a deleted episode. */
export type ForgottenNames = { id: string; trace_id: string; workflow_id: string };

/**
 * Deletes an ended episode with everything that is only its own (steps, logs, events, links, spans, checkpoints), in one transaction
 * that leaves a tombstone; its files go later, when nothing else refers to them. Returns undefined for one that is gone
 * already. Throws failed_precondition while it runs, or while forks of it exist.
 */
export async function deleteEpisode(
  db: Kysely<Database>,
  { id, reason }: { id: string; reason: DeletedEpisode['reason'] },
): Promise<ForgottenNames | undefined> {
  return db.transaction().execute(async (tx) => {
    // The cascade over a large episode takes longer than a statement otherwise may.
    await sql`set local statement_timeout = 0`.execute(tx);
    const episode = await tx.selectFrom('episodes').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
    if (!episode) return undefined;
    const { trace_id, workflow_id, ended_at, runs, thread_id } = episode;
    if (ended_at === null) throw new AppError('failed_precondition', 'The episode has not ended: cancel it first.');
    const { status, created_at, step_count, artifact_count } = episode;
    await tx
      .insertInto('deleted_episodes')
      .values({ id, reason, status, created_at, ended_at, step_count, artifact_count, trace_id })
      .execute();
    await deleteCheckpoints(tx, [
      ...new Set([...runs.map((run) => threadIdOf(id, run)), ...(thread_id ? [thread_id] : [])]),
    ]);
    await tx
      .deleteFrom('episodes')
      .where('id', '=', id)
      .execute()
      .catch((error: unknown) => {
        if ((error as { code?: unknown }).code !== FOREIGN_KEY_VIOLATION) throw error;
        throw new AppError('failed_precondition', 'Other episodes go on from this one: delete those first.', {
          cause: error,
        });
      });
    return { id, trace_id, workflow_id };
  });
}

const FOREIGN_KEY_VIOLATION = '23503';

async function deleteCheckpoints(tx: Transaction<Database>, threads: string[]): Promise<void> {
  for (const table of ['checkpoint_writes', 'checkpoint_blobs', 'checkpoints']) {
    const name = `${LANGGRAPH_SCHEMA}.${table}`;
    const { rows } = await sql<{ there: boolean }>`select to_regclass(${name}) is not null as there`.execute(tx);
    if (rows[0]?.there) await sql`delete from ${sql.table(name)} where thread_id = any(${threads})`.execute(tx);
  }
}

/** Notes what came of asking others to forget a deleted episode. */
export async function noteForgotten(
  db: Kysely<Database>,
  { id, ...others }: Pick<DeletedEpisode, 'id' | 'langfuse' | 'temporal'>,
): Promise<void> {
  await db.updateTable('deleted_episodes').set(others).where('id', '=', id).execute();
}

/** Notes that Langfuse was asked to delete these traces. */
export async function noteTracesForgotten(db: Kysely<Database>, traceIds: string[]): Promise<void> {
  await db
    .updateTable('deleted_episodes')
    .set({ langfuse: 'forgotten' })
    .where('trace_id', 'in', traceIds)
    .where('langfuse', 'in', ['owed', 'failed'])
    .execute();
}

/** Lets go of the log lines and videos of episodes that ended more than `days` days ago, at most `limit` of them; returns their ids. */
export async function deleteMedia(
  db: Kysely<Database>,
  { days, limit }: { days: number; limit: number },
): Promise<string[]> {
  return db.transaction().execute(async (tx) => {
    await sql`set local statement_timeout = 0`.execute(tx);
    const { rows } = await sql<{ id: string }>`update episodes set media_deleted_at = clock_timestamp() where id in (
        select id from episodes where media_deleted_at is null
          and ended_at < clock_timestamp() - make_interval(days => ${days}) order by ended_at limit ${limit} for update skip locked)
      returning id`.execute(tx);
    const ids = rows.map(({ id }) => id);
    await sql`delete from execution_logs where episode_id = any(${ids}::uuid[])`.execute(tx);
    await sql`delete from step_artifacts link using steps step where step.id = link.step_id
      and step.episode_id = any(${ids}::uuid[]) and link.kind in ('VIDEO', 'LOG')`.execute(tx);
    return ids;
  });
}
