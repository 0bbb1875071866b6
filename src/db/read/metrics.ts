import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import { FINAL_STATUSES } from '../../schemas/episode.ts';

/** Coverage counts the episodes that ended within this many days. */
const COVERAGE_DAYS = 7;

type Counted = { label: string; count: number }[];

/** What the record says of itself as numbers, read at one moment. */
export type RecordMetrics = {
  episodes: Counted;
  /** What the outbox holds that is not confirmed, by state. */
  outbox: Counted;
  /** How long the oldest item waits that is neither confirmed nor parked, in seconds; 0 when none does. */
  oldest_s: number;
  /** Open ones, by name. */
  alerts: Counted;
  /** The newest audits of the episodes that ended lately, by verdict; `unaudited` have none yet. */
  coverage: Counted;
  expected: number;
  confirmed: number;
};

/** Reads the numbers, each by an index. */
export async function readMetrics(db: Kysely<Database>): Promise<RecordMetrics> {
  const episodes = await sql<Counted[number]>`
    select status as label, count(*)::int as count from episodes group by status`.execute(db);
  const outbox = await sql<Counted[number] & { oldest_s: number }>`
    select state as label, count(*)::int as count, extract(epoch from clock_timestamp() - min(created_at))::float as oldest_s
    from trace_outbox where state <> 'confirmed' group by state`.execute(db);
  const alerts = await sql<Counted[number]>`
    select name as label, count(*)::int as count from alerts where cleared_at is null group by name`.execute(db);
  const coverage = await sql<Counted[number] & { expected: number; confirmed: number }>`
    select coalesce(last.verdict, 'unaudited') as label, count(*)::int as count,
      coalesce(sum((last.report -> 'counts' ->> 'expected')::int), 0)::float as expected,
      coalesce(sum((last.report -> 'counts' ->> 'confirmed')::int), 0)::float as confirmed
    from episodes e left join lateral (select verdict, report from coverage_reports where episode_id = e.id
      order by checked_at desc limit 1) last on true
    where e.status = any(${[...FINAL_STATUSES]}) and e.ended_at > clock_timestamp() - make_interval(days => ${COVERAGE_DAYS})
    group by 1`.execute(db);
  const sum = (of: 'expected' | 'confirmed') => coverage.rows.reduce((all, row) => all + row[of], 0);
  const waiting = outbox.rows.filter(({ label }) => label !== 'parked').map(({ oldest_s }) => oldest_s);
  return {
    episodes: episodes.rows,
    outbox: outbox.rows,
    oldest_s: Math.max(0, ...waiting),
    alerts: alerts.rows,
    coverage: coverage.rows,
    expected: sum('expected'),
    confirmed: sum('confirmed'),
  };
}
