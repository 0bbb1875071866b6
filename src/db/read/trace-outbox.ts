import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { OutboxCounts, OutboxState, OutboxSubject } from '../../schemas/trace.ts';

/**
 * An item that was sent and not yet seen. Of a span: its start and end (nanoseconds since 1970), and the id under which it is
 * shown where that is not the item's own. Null for others.
 */
export type SentItem = {
  span_id: string;
  trace_id: string;
  subject: OutboxSubject;
  state: 'sending' | 'accepted';
  attempts: number;
  sent_at: string;
  unseen_since: string | null;
  started_ns: string | null;
  ended_ns: string | null;
  observation_id: string | null;
  /** Of a picture. */
  sha256: string | null;
};

/** What a span's bytes say, found without reading all of them as JSON: within a text its quotes would be escaped. */
const STARTED = '"startTimeUnixNano":"([0-9]+)"';
const ENDED = '"endTimeUnixNano":"([0-9]+)"';
const SHOWN_AS = '"spanId":"([0-9a-f]{16})"';

/** Sent items that are due to be read back: all due ones of at most `traces_max` traces, those that wait longest first. */
export async function listSentItems(
  db: Kysely<Database>,
  { now, traces_max, items_max }: { now: string; traces_max: number; items_max: number },
): Promise<SentItem[]> {
  const { rows } = await sql<SentItem>`with due as (
      select trace_id from trace_outbox where state in ('sending', 'accepted') and (next_attempt_at is null or next_attempt_at <= ${now})
      group by trace_id order by min(next_attempt_at) nulls first limit ${traces_max})
    select span_id, trace_id, subject, state, attempts, sent_at, unseen_since, substring(payload from ${STARTED}) as started_ns,
      substring(payload from ${ENDED}) as ended_ns, substring(payload from ${SHOWN_AS}) as observation_id,
      case subject when 'media' then payload::json ->> 'sha256' end as sha256
    from trace_outbox where trace_id in (select trace_id from due)
      and state in ('sending', 'accepted') and (next_attempt_at is null or next_attempt_at <= ${now}) order by trace_id, created_at limit ${items_max}`.execute(
    db,
  );
  return rows;
}

/**
 * How far Langfuse has come with spans: when the newest one was sent that it shows, and the newest of all (milliseconds
 * since 1970, 0 for none); `probing`: one that was sent before waits to be sent again.
 */
export async function readProgress(
  db: Kysely<Database>,
): Promise<{ shown_ms: number; sent_ms: number; probing: boolean }> {
  const newest = (of: RawBuilder<unknown>) => sql`(select sent_at from trace_outbox where sent_at is not null
    and subject in ('step', 'attempt', 'begun', 'root') and ${of} order by sent_at desc limit 1)`;
  const { rows } = await sql<{ shown: string | null; sent: string | null; probing: boolean }>`
    select ${newest(sql`state = 'confirmed'`)} as shown, ${newest(sql`true`)} as sent,
      exists(select from trace_outbox where state = 'pending' and attempts > 0
        and subject in ('step', 'attempt', 'begun', 'root')) as probing`.execute(db);
  const { shown = null, sent = null, probing = false } = rows[0] ?? {};
  return { shown_ms: shown === null ? 0 : Date.parse(shown), sent_ms: sent === null ? 0 : Date.parse(sent), probing };
}

/** When the next item is due, ISO 8601; null when nothing waits. */
export async function findNextDue(db: Kysely<Database>): Promise<string | null> {
  const { rows } = await sql<{ due: string | null }>`select min(coalesce(next_attempt_at, created_at)) as due
    from trace_outbox where state in ('pending', 'sending', 'accepted')`.execute(db);
  return rows[0]?.due ?? null;
}

/** How many items are in each state. */
export async function countOutbox(db: Kysely<Database>, episodeId?: string): Promise<OutboxCounts> {
  const rows = await db
    .selectFrom('trace_outbox')
    .select(({ fn }) => ['state', fn.countAll<number>().as('items'), fn.min('created_at').as('oldest')])
    .$if(episodeId !== undefined, (query) => query.where('episode_id', '=', episodeId ?? ''))
    .groupBy('state')
    .execute();
  const count = (state: OutboxState) => rows.find((row) => row.state === state)?.items ?? 0;
  const waiting = rows.flatMap(({ state, oldest }) => (state === 'confirmed' || state === 'parked' ? [] : oldest));
  return {
    pending: count('pending'),
    sending: count('sending'),
    accepted: count('accepted'),
    confirmed: count('confirmed'),
    parked: count('parked'),
    oldest_unconfirmed_at: waiting.toSorted()[0] ?? null,
  };
}
