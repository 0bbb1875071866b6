import type { Kysely } from 'kysely';
import { createAlerts, createAnnounce } from '../alerts/alerts.ts';
import type { Alerts, AlertsDeps, Announce } from '../alerts/alerts.ts';
import { deliverWebhooks } from '../alerts/webhook.ts';
import type { Webhook } from '../alerts/webhook.ts';
import type { Database } from '../schemas/database.ts';
import type { Config } from '../config/config.ts';

/** How often the webhook's outbox is looked at. Whichever process comes first posts what is due. */
const LOOK_MS = 2_000;

/** The channel to operators, and the delivery to their webhook, which goes on until it is disposed of. */
export type OperatorChannel = AsyncDisposable & { alerts: Alerts; announce: Announce };

/** Opens the channel of one process; nothing is posted where no webhook is configured. */
export function openOperatorChannel(config: Config, db: Kysely<Database>, log: AlertsDeps['log']): OperatorChannel {
  const webhook = webhookOf(config);
  const deps = { db, webhook, now: () => new Date(), log };
  const channel = { alerts: createAlerts(deps), announce: createAnnounce(deps) };
  if (!webhook) return { ...channel, [Symbol.asyncDispose]: async () => {} };
  let delivering = Promise.resolve();
  let busy = false;
  const look = async () => {
    if (busy) return;
    busy = true;
    // While the database is away messages wait in it, and whoever needs it raises the alert.
    await deliverWebhooks(db, webhook, deps.now).catch(() => 0);
    busy = false;
  };
  const timer = setInterval(() => {
    if (!busy) delivering = look();
  }, LOOK_MS);
  return {
    ...channel,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await delivering;
    },
  };
}

function webhookOf({ webhook }: Config): Webhook | null {
  if (!webhook) return null;
  return { url: webhook.url.reveal(), secret: webhook.secret?.reveal() ?? null };
}
