import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { clearAlert, raiseAlert } from '../db/write/alerts.ts';
import { insertWebhookMessage } from '../db/write/webhooks.ts';
import type { NewAlert, WebhookType } from '../schemas/alert.ts';
import type { Database } from '../schemas/database.ts';
import { postWebhook, webhookBody } from './webhook.ts';
import type { Webhook } from './webhook.ts';

/** An open alert is announced again after this long. */
const REMIND_MS = 6 * 3_600_000;

/** The one channel to operators. Neither call ever throws: what alarms must not break what it is alarmed about. */
export type Alerts = {
  /** Raises an alert, or marks it as still open: a row, and when it is news a log line and a message to the webhook. */
  raise: (alert: NewAlert) => Promise<void>;
  /** Clears it. Nothing happens where none is open. */
  clear: (name: string, subject?: string) => Promise<void>;
};

/** Sends the webhook a message, once for each id, where there is a webhook. */
export type Announce = (type: WebhookType, id: string, data: object) => Promise<void>;

export type AlertsDeps = {
  db: Kysely<Database>;
  /** null where none is configured: then nothing is kept for it. */
  webhook: Webhook | null;
  now: () => Date;
  log: (event: 'alert' | 'alert cleared' | 'alert lost', facts: object) => void;
};

/** Opens the channel. It remembers only what it announced while the database was away. */
export function createAlerts(deps: AlertsDeps): Alerts {
  const { db, webhook, now, log } = deps;
  const announce = createAnnounce(deps);
  const announced_without_db = new Map<string, number>();

  /** Without its database an alert is no row, but it is announced: most of all when it is the database that is away. */
  const announceWithoutRecord = async (alert: NewAlert, cause: unknown) => {
    const key = `${alert.name}/${alert.subject ?? ''}`;
    if (now().getTime() - (announced_without_db.get(key) ?? -Infinity) < REMIND_MS) return;
    announced_without_db.set(key, now().getTime());
    log('alert', { ...alert, err: cause });
    if (!webhook) return;
    const message = { id: uuidv7(), body: webhookBody('alert.raised', now(), alert) };
    await postWebhook(webhook, message, now()).catch((err: unknown) => log('alert lost', { ...alert, err }));
  };

  return {
    async raise(alert) {
      try {
        const { alert: row, news } = await raiseAlert(db, alert, { remind_ms: REMIND_MS });
        if (!news) return;
        log('alert', row);
        await announce('alert.raised', uuidv7(), row);
      } catch (error) {
        await announceWithoutRecord(alert, error);
      }
    },
    async clear(name, subject = '') {
      announced_without_db.delete(`${name}/${subject}`);
      try {
        const row = await clearAlert(db, name, subject);
        if (!row) return;
        log('alert cleared', row);
        await announce('alert.cleared', uuidv7(), row);
      } catch (err) {
        log('alert lost', { name, subject, err });
      }
    },
  };
}

/** Makes the function that puts messages into the webhook's outbox. */
export function createAnnounce({ db, webhook, now }: Pick<AlertsDeps, 'db' | 'webhook' | 'now'>): Announce {
  return async (type, id, data) => {
    if (!webhook) return;
    const at = now();
    await insertWebhookMessage(db, { id, type, body: webhookBody(type, at, data), next_attempt_at: at.toISOString() });
  };
}
