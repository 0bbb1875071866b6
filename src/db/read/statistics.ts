import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import { EpisodeStatus, hasEnded } from '../../schemas/episode.ts';
import type { Statistics } from '../../schemas/search.ts';
import { matching } from './episodes.ts';
import type { EpisodeFilter } from './episodes.ts';

/** What became of the episodes that match. Money is summed in Postgres, exactly. */
export async function readStatistics(db: Kysely<Database>, filter: EpisodeFilter): Promise<Statistics> {
  const duration = sql<number>`extract(epoch from ended_at - started_at)::float8`;
  const ended = sql<boolean>`ended_at is not null`;
  const median = (of: ReturnType<typeof sql>, share = 0.5) =>
    sql<number | null>`percentile_cont(${share}) within group (order by ${of}) filter (where ${ended})`;
  const [groups, sums] = await Promise.all([
    db
      .selectFrom('episodes')
      .select(['status', 'terminal_reason'])
      .select((e) => e.fn.countAll<number>().as('count'))
      .where(matching(filter))
      .groupBy(['status', 'terminal_reason'])
      .execute(),
    db
      .selectFrom('episodes')
      .select([
        median(sql`step_count`).as('steps_median'),
        // What nobody knows of one, nobody knows of all.
        sql<number | null>`case when bool_or(usd is null) then null else coalesce(sum(usd), 0) end`.as('usd_sum'),
        sql<
          number | null
        >`case when bool_or(usd is null) filter (where ${ended}) then null else ${median(sql`usd::float8`)} end`.as(
          'usd_median',
        ),
        median(duration).as('duration_s_p50'),
        median(duration, 0.95).as('duration_s_p95'),
      ])
      .where(matching(filter))
      .executeTakeFirstOrThrow(),
  ]);
  const count = (which: (group: (typeof groups)[number]) => boolean) =>
    groups.filter(which).reduce((sum, group) => sum + group.count, 0);
  const final = count(({ status }) => hasEnded(status));
  const reasons = [...new Set(groups.flatMap(({ terminal_reason }) => terminal_reason ?? []))];
  return {
    episodes: count(() => true),
    by_status: Object.fromEntries(
      EpisodeStatus.options.map((status) => [status, count((group) => group.status === status)]),
    ) as Statistics['by_status'],
    by_outcome: Object.fromEntries(
      reasons.map((reason) => [reason, count(({ terminal_reason }) => terminal_reason === reason)]),
    ),
    success_rate: final === 0 ? null : count(({ terminal_reason }) => terminal_reason === 'APPROVED') / final,
    ...sums,
  };
}
