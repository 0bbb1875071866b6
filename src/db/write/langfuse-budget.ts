import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';

/** A limit that a server has said is believed for so long: plans change. */
const LEARNED_HOURS_MAX = 24;

/**
 * Takes the next request to a server from the budget that all processes share: it may leave after `wait_ms`. Where that would
 * be longer than `wait_ms_max`, none is taken.
 */
export async function takeRequest(
  db: Kysely<Database>,
  { server, now, wait_ms_max }: { server: string; now: string; wait_ms_max: number },
): Promise<{ taken: boolean; wait_ms: number }> {
  const spacing = sql`make_interval(secs => case when learned_at > ${now}::timestamptz - make_interval(hours => ${LEARNED_HOURS_MAX})
    then 60.0 / per_minute else 0 end)`;
  await sql`insert into langfuse_budget (server) values (${server}) on conflict do nothing`.execute(db);
  const { rows } = await sql<{ wait_ms: number }>`update langfuse_budget
    set next_at = greatest(next_at, ${now}::timestamptz) + coalesce(${spacing}, interval '0')
    where server = ${server} and next_at <= ${now}::timestamptz + make_interval(secs => ${wait_ms_max} / 1000.0)
    returning (extract(epoch from next_at - coalesce(${spacing}, interval '0') - ${now}::timestamptz) * 1000)::float8 as wait_ms`.execute(
    db,
  );
  if (rows[0]) return { taken: true, wait_ms: Math.ceil(rows[0].wait_ms) };
  const { rows: late } = await sql<{
    wait_ms: number;
  }>`select (extract(epoch from next_at - ${now}::timestamptz) * 1000)::float8 as wait_ms
    from langfuse_budget where server = ${server}`.execute(db);
  return { taken: false, wait_ms: Math.max(0, Math.ceil(late[0]?.wait_ms ?? 0)) };
}

/** Notes that nothing may leave before `next_at`, and how many requests a minute are ours, where that is known now. */
export async function noteLimit(
  db: Kysely<Database>,
  { server, now, next_at, per_minute }: { server: string; now: string; next_at: string; per_minute: number | null },
): Promise<void> {
  await sql`insert into langfuse_budget as budget (server, next_at, per_minute, learned_at)
    values (${server}, ${next_at}, ${per_minute}, ${per_minute === null ? null : now})
    on conflict (server) do update set next_at = greatest(budget.next_at, excluded.next_at),
      per_minute = coalesce(excluded.per_minute, budget.per_minute), learned_at = coalesce(excluded.learned_at, budget.learned_at)`.execute(
    db,
  );
}

/** Whether a server has said within the last day that it allows few requests. */
export async function hasLimit(
  db: Kysely<Database>,
  { server, now }: { server: string; now: string },
): Promise<boolean> {
  const { rows } = await sql<{ limited: boolean }>`select per_minute is not null
      and learned_at > ${now}::timestamptz - make_interval(hours => ${LEARNED_HOURS_MAX}) as limited
    from langfuse_budget where server = ${server}`.execute(db);
  return rows[0]?.limited ?? false;
}
