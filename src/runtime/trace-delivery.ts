import type { Client } from '@temporalio/client';
import type { Kysely } from 'kysely';
import { contentPathOf, pageUrlOf } from '../identity.ts';
import { createLangfuseClient } from '../tracing/langfuse-client.ts';
import type { LangfuseClient } from '../tracing/langfuse-client.ts';
import { DELIVERY_TIMINGS } from '../tracing/delivery-state.ts';
import { createRedactor } from '../tracing/redaction.ts';
import { taskQueue, TRACE_DELIVERY_ID, TRACE_DELIVERY_WORKFLOW } from '../workflows/names.ts';
import type { Database } from '../schemas/database.ts';
import { createApiBudget } from './langfuse-budget.ts';
import type { OperatorChannel } from './alerts.ts';
import type { ActivityParts } from './activities.ts';
import type { Config } from '../config/config.ts';

/** Starts the one workflow that delivers traces, unless it runs. */
export async function startTraceDelivery(client: Client, prefix: string): Promise<void> {
  await client.workflow.start(TRACE_DELIVERY_WORKFLOW, {
    workflowId: `${prefix}${TRACE_DELIVERY_ID}`,
    taskQueue: taskQueue(prefix, 'maintenance'),
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: 'Brings the outbox to Langfuse',
    args: [],
  });
}

/** What a worker's tracing is made of. It ends with the process; `log` gets a line where Langfuse is missing. */
export function tracingParts(
  config: Config,
  { alerts, announce, db }: Pick<OperatorChannel, 'alerts' | 'announce'> & { db: Kysely<Database> },
  log: (line: string) => void,
): ActivityParts['tracing'] {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  const langfuse = openLangfuse(config, db);
  if (!langfuse) log('no Langfuse is configured: traces wait in the outbox');
  return {
    langfuse,
    alerts,
    announce,
    freezing: {
      redactor: createRedactor({ ...config.redaction, literals: secretsOf(config) }),
      environment: config.mode,
      artifactUrl: (...file) => `${config.api.public_url}${contentPathOf(...file)}`,
      pageUrl: (episodeId) => pageUrlOf(config.api.public_url, episodeId),
    },
    stopping: stopping.signal,
  };
}

/** A client of the configured Langfuse, which shares its budget of requests with every other one; null where none is configured. */
export function openLangfuse({ langfuse }: Config, db: Kysely<Database>): LangfuseClient | null {
  if (!langfuse) return null;
  const { base_url, public_key, secret_key } = langfuse;
  const { request_ms } = DELIVERY_TIMINGS;
  const access = { base_url, public_key, secret_key: secret_key.reveal(), request_ms };
  return createLangfuseClient({ ...access, budget: createApiBudget(db, base_url) });
}

/** Headers that say who asks, and are no secret. */
const isPlain = (name: string) => /^(user-agent|referer|http-referer|x-title|accept.*)$/i.test(name);

/** The secrets of this deployment, which no record and no trace may show. */
function secretsOf(config: Config): string[] {
  const { database_url, s3, temporal, langfuse, models, api, webhook } = config;
  const password = decodeURIComponent(new URL(database_url.reveal()).password);
  const secrets = [s3.secret_access_key, s3.backups.secret_access_key, temporal.api_key, langfuse?.secret_key, api.key];
  const ofModels = [...Object.values(models.endpoints), ...Object.values(models.named)].flatMap((one) => [
    one.api_key,
    ...Object.entries(one.headers).flatMap(([name, value]) => (isPlain(name) ? [] : [value])),
  ]);
  const revealed = [...secrets, ...ofModels, webhook?.url, webhook?.secret].flatMap((one) => one?.reveal() ?? []);
  return [...new Set([password, ...revealed])].filter(Boolean);
}
