import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { EventRecord } from '../../schemas/events/record.ts';
import { inLine, readLine } from './line.ts';
import type { LinePart } from '../record-database.ts';

/** An event with the number of its step, null for an event of the episode itself. */
export type EpisodeEvent = EventRecord & { seq: number | null };

/**
 * Which events: at most `limit` of those after `after` and up to `until` (places in the stream). Those of steps that a
 * reset has superseded are left out unless asked for. Of times `from` counts itself, `to` does not.
 */
type EventFilter = {
  episode_id: string;
  after: number;
  limit: number;
  until?: number;
  superseded?: boolean;
  type?: string;
  seq?: number;
  from?: string;
  to?: string;
  /** The episode is another's parent: only what belongs to the steps that the other's line holds. */
  of_parent?: LinePart;
};

/** An episode's events in the order in which they were recorded. */
export async function listEvents(db: Kysely<Database>, filter: EventFilter): Promise<EpisodeEvent[]> {
  let query = db
    .selectFrom('events as event')
    .leftJoin('steps as step', 'step.id', 'event.step_id')
    .select([
      'event.stream_seq',
      'event.event_id',
      'event.type',
      'event.v',
      'event.occurred_at',
      'event.received_at',
      'event.episode_id',
      'event.step_id',
      'event.attempt',
      'event.agent',
      'event.producer',
      'event.attributes',
      'event.payload',
      'event.sanitized',
      'event.exact_sha256',
    ])
    .select('step.seq')
    .where('event.episode_id', '=', filter.episode_id)
    .where('event.stream_seq', '>', filter.after)
    .orderBy('event.stream_seq')
    .limit(filter.limit);
  if (filter.of_parent) query = query.where(inLine([filter.of_parent], 'step'));
  else if (!filter.superseded) query = query.where('step.superseded_by', 'is', null);
  if (filter.until !== undefined) query = query.where('event.stream_seq', '<=', filter.until);
  if (filter.type !== undefined) query = query.where('event.type', '=', filter.type);
  if (filter.seq !== undefined) query = query.where('step.seq', '=', filter.seq);
  if (filter.from !== undefined) query = query.where('event.occurred_at', '>=', filter.from);
  if (filter.to !== undefined) query = query.where('event.occurred_at', '<', filter.to);
  return query.execute();
}

/** What a review of an episode can rest on, as its record has it before step `before`. */
export type Evidence = { has_sim_report: boolean; num_renders: number; simulations_run: number };

/** Counts the simulations, and the pictures and videos, that steps of the episode's line before `before` have made. */
export async function readEvidence(
  db: Kysely<Database>,
  { episode_id, before }: { episode_id: string; before: number },
): Promise<Evidence> {
  const line = await readLine(db, episode_id);
  const { rows } = await sql<Evidence>`select
      count(distinct step.id) filter (where step.kind = 'simulation' and step.status = 'ok') as simulations_run,
      count(distinct link.path) filter (where link.kind in ('IMAGE', 'VIDEO')) as num_renders,
      coalesce(bool_or(link.path like '%/simulation_result.json'), false) as has_sim_report
    from steps step left join step_artifacts link on link.step_id = step.id and link.role = 'output'
    where ${inLine(line, 'step')} and step.seq < ${before}`.execute(db);
  return rows[0] ?? { has_sim_report: false, num_renders: 0, simulations_run: 0 };
}
