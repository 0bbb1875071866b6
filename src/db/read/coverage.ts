import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { CoverageReport, EpisodeCoverage } from '../../schemas/coverage.ts';
import type { Database } from '../../schemas/database.ts';
import { FINAL_STATUSES } from '../../schemas/episode.ts';
import type { Episode } from '../../schemas/episode.ts';
import type { Step } from '../../schemas/step.ts';
import { toEpisode } from './episodes.ts';
import { toStepRow } from './steps.ts';

/** Above every UUID that is given out. */
const LAST_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Everything that the record says happened in an episode, overtaken lines included. */
export type EpisodeRecord = {
  episode: Episode;
  runs: string[];
  steps: Step[];
  /**
   * What the outbox holds for this episode's trace; `parked` is why Langfuse refused it, `confirmed` that it was seen, `sent_at`
   * when what is neither was sent.
   */
  items: {
    span_id: string;
    subject: 'attempt' | 'root' | 'step';
    parked: string | null;
    confirmed: boolean;
    sent_at: string | null;
  }[];
  /** Whether the episode's root was sent to Langfuse when it began. */
  begun: boolean;
  /** What steps and events refer to; `unexplained` where the attempt that is said to have made it did not end its step. */
  objects: { sha256: string; size_bytes: number; seq: number | null; unexplained: boolean }[];
};

/** The record of one episode, read at one point in time; undefined where there is none with this id. */
export async function findEpisodeRecord(db: Kysely<Database>, id: string): Promise<EpisodeRecord | undefined> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      const row = await tx.selectFrom('episodes').selectAll().where('id', '=', id).executeTakeFirst();
      if (!row) return undefined;
      const steps = await tx
        .selectFrom('steps')
        .selectAll()
        .where('episode_id', '=', id)
        .orderBy('seq')
        .orderBy('id')
        .execute();
      const items = await tx
        .selectFrom('trace_outbox')
        .select(['span_id', 'subject', 'state', 'error', 'sent_at'])
        .where('episode_id', '=', id)
        .where('subject', 'in', ['step', 'attempt', 'root', 'begun'])
        .execute();
      const { rows: objects } = await sql<
        EpisodeRecord['objects'][number]
      >`select a.sha256, a.size_bytes, min(used.seq) as seq, bool_or(used.unexplained) as unexplained
        from (select seq, workspace_sha256 as sha256, false as unexplained from steps where episode_id = ${id} and workspace_sha256 is not null
          union all select s.seq, l.sha256, not exists (select from step_attempts t
              where t.step_id = l.step_id and t.attempt = l.attempt and t.status = s.status)
            from step_artifacts l join steps s on s.id = l.step_id where s.episode_id = ${id}
          union all select s.seq, e.exact_sha256, false from events e left join steps s on s.id = e.step_id
            where e.episode_id = ${id} and e.exact_sha256 is not null) used
        join artifacts a on a.sha256 = used.sha256 and a.deleted_at is null group by a.sha256, a.size_bytes`.execute(
        tx,
      );
      return {
        episode: toEpisode(row),
        runs: row.runs,
        steps: steps.map(toStepRow),
        begun: items.some(({ subject }) => subject === 'begun'),
        items: items.flatMap(({ span_id, subject, state, error, sent_at }) =>
          subject === 'begun'
            ? []
            : {
                span_id,
                subject: subject as 'attempt' | 'root' | 'step',
                confirmed: state === 'confirmed',
                sent_at: state === 'sending' || state === 'accepted' ? sent_at : null,
                parked: state === 'parked' ? (error ?? 'for a reason that it did not give') : null,
              },
        ),
        objects,
      };
    });
}

/** The newest audit of an episode, or undefined where there was none yet. */
export async function findCoverage(db: Kysely<Database>, episodeId: string): Promise<CoverageReport | undefined> {
  const row = await db
    .selectFrom('coverage_reports')
    .selectAll()
    .where('episode_id', '=', episodeId)
    .orderBy('checked_at', 'desc')
    .executeTakeFirst();
  if (!row) return undefined;
  const { report, ...plain } = row;
  return { ...plain, ...report };
}

/**
 * The ended episodes, newest first, each with its newest audit: all, those that ended since a time (ISO 8601), or those with
 * these ids; `before` is the last one seen.
 */
export async function listCoverage(
  db: Kysely<Database>,
  { since, ids, limit, before }: { since?: string; ids?: string[]; limit: number; before?: string },
): Promise<EpisodeCoverage[]> {
  const { rows } = await sql<EpisodeCoverage>`select e.id as episode_id, e.ended_at, last.verdict, last.checked_at,
      last.report -> 'counts' as counts
    from episodes e left join lateral (select verdict, checked_at, report from coverage_reports where episode_id = e.id
      order by checked_at desc limit 1) last on true
    where e.status = any(${[...FINAL_STATUSES]}) and e.ended_at >= ${since ?? '-infinity'} ${ids ? sql`and e.id = any(${ids}::uuid[])` : sql``} and e.id < ${before ?? LAST_UUID}
    order by e.id desc limit ${limit}`.execute(db);
  return rows;
}

/** Ended episodes of the last `days` whose newest audit is not complete, or that were never audited; oldest audit first. */
export async function listUncoveredEpisodes(
  db: Kysely<Database>,
  { days, limit }: { days: number; limit: number },
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`select e.id from episodes e
    left join lateral (select verdict, checked_at from coverage_reports where episode_id = e.id
      order by checked_at desc limit 1) last on true
    where e.status = any(${[...FINAL_STATUSES]}) and e.ended_at > clock_timestamp() - make_interval(days => ${days})
      and (last.verdict is null or last.verdict <> 'complete')
    order by last.checked_at nulls first, e.id limit ${limit}`.execute(db);
  return rows.map(({ id }) => id);
}
