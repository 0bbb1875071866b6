// A process that delivers until it is killed. Its arguments: database, Langfuse, secret key, and the timings as JSON.
import { deliverUntil } from '../../src/activities/traces/delivery.ts';
import { createDatabase } from '../../src/db/client.ts';
import { DELIVERY_TIMINGS } from '../../src/tracing/delivery-state.ts';
import type { DeliveryTimings } from '../../src/tracing/delivery-state.ts';
import { createLangfuseClient } from '../../src/tracing/langfuse-client.ts';

const [databaseUrl = '', base_url = '', secret_key = '', given] = process.argv.slice(2);
const timings = given === undefined ? DELIVERY_TIMINGS : (JSON.parse(given) as DeliveryTimings);
const database = createDatabase(databaseUrl);
const { request_ms } = timings;
const langfuse = createLangfuseClient({ base_url, public_key: 'pk-lf-tests', secret_key, request_ms });
await deliverUntil(new AbortController().signal, {
  ...database,
  langfuse,
  alerts: { raise: async () => {}, clear: async () => {} },
  readObject: async () => new Uint8Array(),
  now: () => new Date(),
  timings,
});
