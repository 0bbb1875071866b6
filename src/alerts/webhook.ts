import { createHmac } from 'node:crypto';
import type { Kysely } from 'kysely';
import { claimWebhookMessages, settleWebhookMessage } from '../db/write/webhooks.ts';
import type { WebhookMessage } from '../db/write/webhooks.ts';
import { AppError } from '../errors.ts';
import type { WebhookType } from '../schemas/alert.ts';
import type { Database } from '../schemas/database.ts';

/** Where messages go. `secret` is `whsec_` and base64, as standardwebhooks.com has it; without one nothing is signed. */
export type Webhook = { url: string; secret: string | null };

/** A receiver that has not answered by then is asked again. */
const POST_MS_MAX = 5_000;
/** Nobody else posts what was taken for so long. */
const LEASE_MS = 60_000;
const MESSAGES_PER_PASS_MAX = 10;
/** Waits between tries double up to an hour; after three days a message is given up. */
const RETRY_MS = 5_000;
const RETRY_MS_MAX = 3_600_000;
const GIVE_UP_MS = 3 * 86_400_000;
const DETAIL_CHARS_MAX = 300;

/** The bytes of a message, in the form of standardwebhooks.com. */
export function webhookBody(type: WebhookType, at: Date, data: object): string {
  return JSON.stringify({ type, timestamp: at.toISOString(), data });
}

/**
 * The headers of a message: its id, the same however often it is posted, the time of posting (Unix seconds), and
 * `webhook-signature: v1,` with base64 of the HMAC-SHA256 of `<id>.<timestamp>.<body>`.
 */
function webhookHeaders({ id, body }: WebhookMessage, secret: string | null, now: Date): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const headers = { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (secret === null) return headers;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}

/** Posts one message once. Throws `unavailable` unless it is answered with success. */
export async function postWebhook(webhook: Webhook, message: WebhookMessage, now: Date): Promise<void> {
  const response = await fetch(webhook.url, {
    method: 'POST',
    headers: webhookHeaders(message, webhook.secret, now),
    body: message.body,
    redirect: 'manual',
    signal: AbortSignal.timeout(POST_MS_MAX),
  }).catch((cause: unknown) => {
    throw new AppError('unavailable', 'the webhook does not answer', { cause });
  });
  await response.body?.cancel();
  if (!response.ok) throw new AppError('unavailable', `the webhook answers HTTP ${response.status}`);
}

/** Posts the messages that are due, each once; what fails is due again later. Returns how many were delivered. */
export async function deliverWebhooks(db: Kysely<Database>, webhook: Webhook, now: () => Date): Promise<number> {
  const at = (ms: number) => new Date(now().getTime() + ms).toISOString();
  const due = await claimWebhookMessages(db, { now: at(0), lease: at(LEASE_MS), limit: MESSAGES_PER_PASS_MAX });
  let delivered = 0;
  for (const message of due) {
    try {
      await postWebhook(webhook, message, now());
      await settleWebhookMessage(db, message.id, { delivered_at: at(0) });
      delivered += 1;
    } catch (thrown) {
      const error = AppError.from(thrown).message.slice(0, DETAIL_CHARS_MAX);
      const over = now().getTime() - Date.parse(message.created_at) > GIVE_UP_MS;
      const wait = Math.min(RETRY_MS * 2 ** Math.min(message.attempts - 1, 20), RETRY_MS_MAX);
      await settleWebhookMessage(
        db,
        message.id,
        over ? { error, given_up_at: at(0) } : { error, next_attempt_at: at(wait) },
      );
    }
  }
  return delivered;
}
