import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { jsonBody, keep, parsed } from '../deps.ts';
import type { CollectorDeps } from '../deps.ts';
import type { CollectorEnv } from '../faults.ts';
import { sortEvents } from '../ingestion-events.ts';
import { createOtlpReader } from '../otlp.ts';
import { rowOfSpan } from '../span-mapping.ts';

/** Langfuse's own limit of the ingestion API. */
const EVENTS_BYTES_MAX = 4.5 * 1024 ** 2;
/** Langfuse warns from here on. */
const OTLP_BYTES_MAX = 16 * 1024 ** 2;
/** A v4 server shows spans this much later when the sender does not say that it speaks v4 (there: up to ten minutes). */
const UNVERSIONED_LAG_MS = 2 * 60_000;
const INGESTION_VERSION = 4;
/** JavaScript SDKs of Langfuse speak v4 from this major version on, without the header. */
const SDK_MAJOR_MIN = 5;

/** What brings spans and events (OTLP, and the older ingestion API), and what takes a trace away. */
export function createIngestionRoutes(deps: CollectorDeps): Hono<CollectorEnv> {
  const read = createOtlpReader();
  const routes = new Hono<CollectorEnv>();

  routes.post('/api/public/otel/v1/traces', bodyLimit({ maxSize: OTLP_BYTES_MAX }), async (c) => {
    const header = (name: string) => c.req.header(name);
    const version = parsed(Version, header('x-langfuse-ingestion-version'));
    const spans = read(new Uint8Array(await c.req.arrayBuffer()), {
      type: header('content-type'),
      encoding: header('content-encoding'),
    });
    const major = Number.parseInt(header('x-langfuse-sdk-version') ?? '', 10);
    const current =
      version === INGESTION_VERSION || (header('x-langfuse-sdk-name') === 'javascript' && major >= SDK_MAJOR_MIN);
    const now = deps.now().getTime();
    const observations = spans.map((span) => rowOfSpan(span, now));
    const lag_ms = deps.mode !== 'legacy' && !current ? UNVERSIONED_LAG_MS : 0;
    if (observations.length > 0) await keep(c, deps, { observations, lag_ms });
    return c.json({});
  });

  routes.post('/api/public/ingestion', bodyLimit({ maxSize: EVENTS_BYTES_MAX }), async (c) => {
    const { batch } = parsed(Batch, await jsonBody(c));
    const { successes, errors, ...rows } = sortEvents(batch, deps.mode, deps.now().toISOString());
    await keep(c, deps, rows);
    return c.json({ successes, errors }, 207);
  });

  routes.delete('/api/public/traces', async (c) => {
    for (const id of parsed(Deletion, await jsonBody(c)).traceIds) await deps.store.deleteTrace(id);
    return c.json({ message: 'Traces deleted successfully' });
  });

  routes.delete('/api/public/traces/:id', async (c) => {
    await deps.store.deleteTrace(c.req.param('id'));
    return c.json({ message: 'Trace deleted successfully' });
  });

  return routes;
}

const Version = z.coerce
  .number()
  .int()
  .max(INGESTION_VERSION, `Unsupported x-langfuse-ingestion-version. Maximum supported: ${INGESTION_VERSION}.`)
  .optional();
/** The ingestion API bounds bytes, not events; ours are few. */
const BATCH_EVENTS_MAX = 10_000;
const Deletion = z.strictObject({ traceIds: z.array(z.string()).min(1).max(1_000) });
const Batch = z.object({ batch: z.array(z.unknown()).max(BATCH_EVENTS_MAX) });
