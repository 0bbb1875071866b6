import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import { storableJson, storableText } from '../schemas/primitives.ts';
import type { JsonInput } from '../schemas/primitives.ts';
import { TraceBody } from './ingestion-events.ts';
import type { TraceRow } from './ingestion-events.ts';
import { ObservationPart } from './observation.ts';
import type { ObservationRow } from './observation.ts';
import { createMediaStore } from './media-store.ts';
import { COLLECTOR_SQL } from './schema.ts';
import { Score } from './score.ts';

/** What one request adds, in one transaction; reads see it from `visible_at` on. */
export type Addition = {
  observations?: ObservationRow[];
  traces?: TraceRow[];
  scores?: Score[];
  received_at: Date;
  visible_at: Date;
};

/** A row as it was added. `row` numbers the rows in the order of arrival. */
export type StoredObservation = {
  row: number;
  start_time: string;
  received_at: string;
  body: z.infer<typeof ObservationPart>;
};

/** Which observations; each condition left out holds for all. `before` is the place of the last one seen. */
export type ObservationFilter = {
  trace_id?: string | undefined;
  trace_ids?: string[] | undefined;
  ids?: string[] | undefined;
  from?: string | undefined;
  to?: string | undefined;
  /** Members of the body that must be equal to one of these. Null stands for absent. */
  members?: Record<string, (string | null)[]>;
  before?: { start_time: string; row: number } | undefined;
};

/** Which scores. `ids`, `names` and the rest: any one of them. */
export type ScoreFilter = { members?: Record<string, string[]>; before?: number | undefined };
/** A score with the number of its row. */
export type StoredScore = { row: number; score: Score };

/** The rows of the collector. `now` is the moment of a read. */
export type CollectorStore = ReturnType<typeof createCollectorStore>;

/** Two collectors that start at once take turns. The pair keeps it apart from the locks of a single number. */
const SET_UP_LOCK = [7_735, 1];

/** Creates what is missing of the collector's schema. */
export async function setUpCollector(pool: Pool): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1, $2)', SET_UP_LOCK);
    await client.query(COLLECTOR_SQL);
  });
}

/** The store on a pool whose database `setUpCollector` has prepared. */
export function createCollectorStore(pool: Pool) {
  return {
    ...createMediaStore(pool),

    async append(addition: Addition): Promise<void> {
      await inTransaction(pool, async (client) => addRows(client, addition));
    },

    /** Hides the trace, and what belongs to it, from every read. */
    async deleteTrace(id: string): Promise<void> {
      await pool.query('insert into collector.deleted_traces (id) values ($1) on conflict do nothing', [id]);
    },

    /**
     * At most `limit` rows, newest start first, then newest arrival. Duplicates are rows like any other, until the newest of
     * them is `merged_ms` old: from then on it alone is there. Without it they stay.
     */
    async listObservations(
      filter: ObservationFilter,
      { now, limit, merged_ms }: { now: Date; limit: number; merged_ms?: number },
    ) {
      const { where, values } = observationConditions(filter, { now, merged_ms });
      const result = await pool.query(
        `select row, start_time, received_at, body from collector.observations o where ${where}
         order by start_time desc, row desc limit ${limit}`,
        values,
      );
      return ObservationRows.parse(result.rows);
    },

    /** What trace-create events said of a trace, oldest first. */
    async listTraceBodies(id: string, now: Date): Promise<TraceBody[]> {
      const result = await pool.query(
        `select body from collector.traces where id = $1 and visible_at <= $2 and ${notDeleted('id')} order by row limit ${TRACE_EVENTS_MAX}`,
        [id, now],
      );
      return TraceRows.parse(result.rows).map(({ body }) => body);
    },

    /** The traces that received something last, newest first. */
    async listRecentTraces(limit: number, now: Date): Promise<RecentTrace[]> {
      const result = await pool.query(
        `select trace_id, max(received_at) as received_at, count(*)::int as rows,
           (array_agg(body ->> 'traceName' order by row desc) filter (where body ->> 'traceName' is not null))[1] as name
         from (select * from collector.observations where visible_at <= $1 and ${notDeleted('trace_id')} order by row desc limit ${RECENT_ROWS_MAX}) recent
         group by trace_id order by max(received_at) desc limit ${limit}`,
        [now],
      );
      return RecentTraces.parse(result.rows);
    },

    /** At most `limit` scores, newest first: of each id only what was said last. */
    async listScores(filter: ScoreFilter, { now, limit }: { now: Date; limit: number }): Promise<StoredScore[]> {
      const values: unknown[] = [now];
      const bind = (value: unknown) => `$${values.push(value)}`;
      const conditions = Object.entries(filter.members ?? {}).map(
        ([member, wanted]) => `body ->> ${bind(member)} = any(${bind(wanted)}::text[])`,
      );
      if (filter.before !== undefined) conditions.push(`row < ${bind(filter.before)}`);
      const result = await pool.query(
        `select row, body from (
           select distinct on (id) row, body from collector.scores
           where visible_at <= $1 and ${notDeleted("body ->> 'traceId'")} order by id, row desc
         ) latest where ${['true', ...conditions].join(' and ')} order by row desc limit ${limit}`,
        values,
      );
      return ScoreRows.parse(result.rows).map(({ row, body }) => ({ row, score: body }));
    },
  };
}

/** Holds for rows of traces that nobody asked to delete; scores may belong to none. */
const notDeleted = (id: string): string =>
  `not exists (select from collector.deleted_traces deleted where deleted.id = ${id})`;

/** A trace is described by few events; more than this are not read. */
const TRACE_EVENTS_MAX = 1_000;
/** The list of recent traces is made from this many rows. */
const RECENT_ROWS_MAX = 20_000;

const Row = z.coerce.number();
const Time = z.date().transform((date) => date.toISOString());
const ObservationRows = z.array(z.object({ row: Row, start_time: Time, received_at: Time, body: ObservationPart }));
const TraceRows = z.array(z.object({ body: TraceBody }));
const ScoreRows = z.array(z.object({ row: Row, body: Score }));
const RecentTraces = z.array(
  z.object({ trace_id: z.string(), received_at: Time, rows: z.number(), name: z.string().nullable() }),
);
export type RecentTrace = z.infer<typeof RecentTraces>[number];

async function addRows(client: PoolClient, addition: Addition): Promise<void> {
  const { observations = [], traces = [], scores = [], received_at, visible_at } = addition;
  if (observations.length > 0)
    await client.query(
      `insert into collector.observations (trace_id, id, start_time, received_at, visible_at, body)
       select trace_id, id, start_time, $5, $6, body::jsonb
       from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) as sent (trace_id, id, start_time, body)`,
      [
        ...(['trace_id', 'id', 'start_time'] as const).map((column) =>
          observations.map((row) => storableText(row[column])),
        ),
        observations.map(({ body }) => json(body)),
        received_at,
        visible_at,
      ],
    );
  for (const [table, rows] of [
    ['traces', traces],
    ['scores', scores.map((score) => ({ id: score.id, body: score }))],
  ] as const) {
    if (rows.length === 0) continue;
    await client.query(
      `insert into collector.${table} (id, received_at, visible_at, body)
       select id, $3, $4, body::jsonb from unnest($1::text[], $2::text[]) as sent (id, body)`,
      [rows.map(({ id }) => storableText(id)), rows.map(({ body }) => json(body)), received_at, visible_at],
    );
  }
}

function observationConditions(
  filter: ObservationFilter,
  { now, merged_ms }: { now: Date; merged_ms: number | undefined },
) {
  const values: unknown[] = [now];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const conditions = ['visible_at <= $1', notDeleted('trace_id')];
  if (filter.trace_id !== undefined) conditions.push(`trace_id = ${bind(filter.trace_id)}`);
  if (filter.trace_ids !== undefined) conditions.push(`trace_id = any(${bind(filter.trace_ids)}::text[])`);
  if (filter.ids !== undefined) conditions.push(`id = any(${bind(filter.ids)}::text[])`);
  if (merged_ms !== undefined)
    conditions.push(`not exists (select from collector.observations newer where newer.trace_id = o.trace_id
      and newer.start_time = o.start_time and newer.id = o.id and newer.row > o.row
      and newer.visible_at <= ${bind(new Date(now.getTime() - merged_ms))})`);
  if (filter.from !== undefined) conditions.push(`start_time >= ${bind(filter.from)}`);
  if (filter.to !== undefined) conditions.push(`start_time < ${bind(filter.to)}`);
  if (filter.before !== undefined)
    conditions.push(
      `(start_time, row) < (${bind(filter.before.start_time)}::timestamptz, ${bind(filter.before.row)}::bigint)`,
    );
  for (const [member, wanted] of Object.entries(filter.members ?? {})) {
    const texts = wanted.filter((value) => value !== null);
    const value = `body ->> ${bind(member)}`;
    const absent = wanted.includes(null) ? ` or ${value} is null` : '';
    conditions.push(`(${value} = any(${bind(texts)}::text[])${absent})`);
  }
  return { where: conditions.join(' and '), values };
}

async function inTransaction(pool: Pool, work: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await work(client);
    await client.query('commit');
  } catch (error) {
    // A connection that broke cannot roll back: the server has done so by itself.
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

/** The bodies consist of JSON values; NUL, which jsonb cannot hold, becomes U+2400. */
function json(body: object): string {
  return JSON.stringify(storableJson(body as JsonInput));
}
