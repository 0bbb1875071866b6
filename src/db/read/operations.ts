import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { Operations, WaitingItem } from '../../schemas/operations.ts';
import { listApiKeys } from './api-keys.ts';
import { listRestoreDrills } from './recovery.ts';
import { countOutbox } from './trace-outbox.ts';

/** Rows of each list: what an operator looks through. */
const WAITING_MAX = 100;
const DRILLS_MAX = 20;
/** Workers are those of so many newest steps. */
const STEPS_LOOKED_AT = 1_000;

/** How the outbox, drills, workers and keys stand, each with the rows that are counted. */
export async function readOperations(db: Kysely<Database>): Promise<Operations> {
  const waiting = await sql<WaitingItem>`
    select item.span_id, item.episode_id, step.seq, item.subject, item.state, item.attempts, item.created_at,
      item.next_attempt_at, item.error
    from trace_outbox item left join steps step on step.id = item.step_id
    where item.state <> 'confirmed' order by item.created_at limit ${WAITING_MAX}`.execute(db);
  const workers = await sql<Operations['workers'][number]>`
    select worker, build, count(*)::int as attempts, max(started_at) as last_at
    from step_attempts where step_id in (select id from steps order by id desc limit ${STEPS_LOOKED_AT})
    group by worker, build order by last_at desc`.execute(db);
  return {
    outbox: { ...(await countOutbox(db)), waiting: waiting.rows },
    drills: await listRestoreDrills(db, { limit: DRILLS_MAX }),
    workers: workers.rows,
    keys: await listApiKeys(db),
  };
}
