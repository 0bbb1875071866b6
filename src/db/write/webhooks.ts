import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { WebhookType } from '../../schemas/alert.ts';
import type { Database } from '../../schemas/database.ts';

/** A message to the webhook: its id, which says that two are the same, and its bytes. */
export type WebhookMessage = { id: string; body: string };

/**
 * Puts a message into the webhook's outbox, due at `next_attempt_at`; one that is there stays as it is. The time is the
 * caller's, as that of a claim is: the database's clock is finer than ours, and would make it due a moment after it.
 */
export async function insertWebhookMessage(
  db: Kysely<Database>,
  message: WebhookMessage & { type: WebhookType; next_attempt_at: string },
): Promise<void> {
  await db
    .insertInto('webhook_messages')
    .values(message)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

/** Takes the messages that are due, oldest first; until `lease` nobody else takes them. */
export async function claimWebhookMessages(
  db: Kysely<Database>,
  { now, lease, limit }: { now: string; lease: string; limit: number },
): Promise<(WebhookMessage & { attempts: number; created_at: string })[]> {
  const { rows } = await sql<WebhookMessage & { attempts: number; created_at: string }>`
    update webhook_messages set attempts = attempts + 1, next_attempt_at = ${lease}
    where id in (select id from webhook_messages
      where delivered_at is null and given_up_at is null and next_attempt_at <= ${now}
      order by next_attempt_at limit ${limit} for update skip locked)
    returning id, body, attempts, created_at`.execute(db);
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Says how posting a message came out; times are ISO 8601. */
export async function settleWebhookMessage(
  db: Kysely<Database>,
  id: string,
  outcome:
    | { delivered_at: string }
    | { error: string; next_attempt_at: string }
    | { error: string; given_up_at: string },
): Promise<void> {
  await db.updateTable('webhook_messages').set(outcome).where('id', '=', id).execute();
}
