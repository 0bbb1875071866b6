// A process that delivers until it is killed; started by sender.test.ts. Its arguments: database, Langfuse, secret key.
import { deliverUntil } from '../../../src/activities/trace-delivery.ts';
import { createDatabase } from '../../../src/db/client.ts';
import { DELIVERY_TIMINGS } from '../../../src/tracing/delivery-state.ts';
import { createLangfuseClient } from '../../../src/tracing/langfuse-client.ts';

const [databaseUrl = '', base_url = '', secret_key = ''] = process.argv.slice(2);
const database = createDatabase(databaseUrl);
const langfuse = createLangfuseClient({ base_url, public_key: 'pk-lf-tests', secret_key, request_ms: 60_000 });
await deliverUntil(new AbortController().signal, {
  ...database,
  langfuse,
  alerts: { raise: async () => {}, clear: async () => {} },
  now: () => new Date(),
  timings: DELIVERY_TIMINGS,
});
