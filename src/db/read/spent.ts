import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { Database } from '../../schemas/database.ts';

/**
 * What tries (rows of `step_attempts`) spent, in milliseconds: the time in which they worked, and the time that they asked to
 * wait for their model's endpoint. Tries that a server of ours or its worker's death ended are outages, and spend nothing.
 */
export const SPENT_MS: RawBuilder<number> = sql<number>`coalesce(sum(
    case when step_attempts.next_try_at is null and step_attempts.error->>'code' in ('unavailable', 'deadline_exceeded') then 0
      else coalesce(step_attempts.worked_ms, 0) end
    + coalesce(extract(epoch from step_attempts.next_try_at - step_attempts.ended_at) * 1000, 0)
  ), 0)::float8`;

/** What the tries of a step that have ended spent, in milliseconds. */
export async function readSpent(db: Kysely<Database>, stepId: string): Promise<number> {
  const { spent_ms } = await db
    .selectFrom('step_attempts')
    .select(SPENT_MS.as('spent_ms'))
    .where('step_id', '=', stepId)
    .executeTakeFirstOrThrow();
  return Math.round(spent_ms);
}
