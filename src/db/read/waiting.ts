import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { Waiting } from '../../schemas/step.ts';

/** More tries than fit into the longest wait are not looked at. */
const TRIES_READ_MAX = 10_000;
/** As many waiting steps as people will read of. */
const WAITING_MAX = 100;

/** The tries of a step, newest first: which error ended each (null: none), and how long ago it began, by the database's clock. */
export async function listTries(
  db: Kysely<Database>,
  stepId: string,
): Promise<{ code: string | null; age_ms: number }[]> {
  const { rows } = await sql<{ code: string | null; age_ms: number }>`select error->>'code' as code,
      (extract(epoch from clock_timestamp() - started_at) * 1000)::float8 as age_ms
    from step_attempts where step_id = ${stepId} order by attempt desc limit ${TRIES_READ_MAX}`.execute(db);
  return rows;
}

/** What running steps wait for between two tries, of one episode or of all, the longest wait first. */
export async function listWaiting(db: Kysely<Database>, episodeId?: string): Promise<Waiting[]> {
  const rows = await db
    .selectFrom('steps')
    .innerJoin('step_attempts', (join) =>
      join.onRef('step_attempts.step_id', '=', 'steps.id').onRef('step_attempts.attempt', '=', 'steps.attempt_count'),
    )
    .select([
      'steps.episode_id',
      'steps.seq',
      'steps.model',
      'step_attempts.attempt',
      'step_attempts.error',
      'step_attempts.next_try_at',
      'steps.started_at',
    ])
    .where('steps.status', '=', 'running')
    .where('steps.superseded_by', 'is', null)
    .where('step_attempts.next_try_at', 'is not', null)
    .$if(episodeId !== undefined, (query) => query.where('steps.episode_id', '=', episodeId ?? ''))
    .orderBy('steps.started_at')
    .limit(WAITING_MAX)
    .execute();
  return rows.map(({ episode_id, seq, model, attempt, error, next_try_at, started_at }) => ({
    episode_id,
    seq,
    model,
    attempt,
    reason: error?.message ?? '',
    next_try_at: next_try_at ?? '',
    since: started_at,
  }));
}
