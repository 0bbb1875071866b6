import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { OutboxState, OutboxSubject } from '../../schemas/trace.ts';

/** An item that is being sent: its bytes and how often it was sent, this time included. */
export type ClaimedItem = {
  span_id: string;
  trace_id: string;
  subject: OutboxSubject;
  payload: string;
  attempts: number;
};

/** What becomes of items; what is left out stays. Times are ISO 8601. */
export type ItemChange = {
  state: OutboxState;
  next_attempt_at: string | null;
  error: string | null;
  unseen_since: string | null;
  accepted_at?: string;
};

/**
 * Takes the oldest due items, at most `items_max` and, after the first, `bytes_max`, and commits them as `sending`: from
 * here on nobody sends them without reading back first. `deadline` is when their sender must have answered or be dead.
 */
export async function claimItems(
  db: Kysely<Database>,
  claim: { subjects: OutboxSubject[]; now: string; deadline: string; items_max: number; bytes_max: number },
): Promise<ClaimedItem[]> {
  const { subjects, now, deadline, items_max, bytes_max } = claim;
  const { rows } = await sql<ClaimedItem & { place: number }>`with due as materialized (
      select span_id, created_at, octet_length(payload) as bytes from trace_outbox
      where state = 'pending' and subject = any(${subjects}) and (next_attempt_at is null or next_attempt_at <= ${now})
      order by created_at, span_id limit ${items_max} for update skip locked),
    placed as (
      select span_id, row_number() over oldest as place, sum(bytes) over oldest as bytes from due
      window oldest as (order by created_at, span_id))
    update trace_outbox item set state = 'sending', attempts = attempts + 1, sent_at = ${now}, next_attempt_at = ${deadline},
      unseen_since = null, error = null
    from placed where item.span_id = placed.span_id and (placed.bytes <= ${bytes_max} or placed.place = 1)
    returning item.span_id, item.trace_id, item.subject, item.payload, item.attempts, placed.place`.execute(db);
  return rows.toSorted((a, b) => a.place - b.place).map(({ place: _, ...item }) => item);
}

/** Moves items on that still are in the state in which they were found; a confirmed one lets its bytes go. Returns how many moved. */
export async function changeItems(
  db: Kysely<Database>,
  items: { span_ids: string[]; from: OutboxState },
  { state, next_attempt_at, error, unseen_since, accepted_at }: ItemChange,
): Promise<number> {
  if (items.span_ids.length === 0) return 0;
  const { numUpdatedRows } = await db
    .updateTable('trace_outbox')
    .set({
      state,
      next_attempt_at,
      error,
      unseen_since,
      ...(accepted_at !== undefined && { accepted_at }),
      ...(state === 'confirmed' && { payload: null, confirmed_at: sql`clock_timestamp()` }),
    })
    .where('span_id', '=', sql<string>`any(${items.span_ids})`)
    .where('state', '=', items.from)
    .executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}

/** Forgets since when sent items are unseen: while Langfuse was away nobody could see them. */
export async function forgetUnseen(db: Kysely<Database>): Promise<void> {
  await db
    .updateTable('trace_outbox')
    .set({ unseen_since: null })
    .where('state', 'in', ['sending', 'accepted'])
    .where('unseen_since', 'is not', null)
    .execute();
}
