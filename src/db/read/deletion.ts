import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';

/** Traces of deleted episodes that Langfuse still has to be asked to delete, those that wait longest first. */
export async function listTracesToDelete(
  db: Kysely<Database>,
  { limit }: { limit: number },
): Promise<{ trace_id: string; deleted_at: string }[]> {
  const rows = await db
    .selectFrom('deleted_episodes')
    .select(['trace_id', 'deleted_at'])
    .where('langfuse', 'in', ['owed', 'failed'])
    .where('trace_id', 'is not', null)
    .orderBy('deleted_at')
    .limit(limit)
    .execute();
  return rows.flatMap(({ trace_id, deleted_at }) => (trace_id === null ? [] : [{ trace_id, deleted_at }]));
}
