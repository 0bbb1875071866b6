// What becomes of the outbox when the sender dies, and when Langfuse is away for a day.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDelivery } from '../../../src/activities/traces/delivery-cycle.ts';
import { deliverUntil } from '../../../src/activities/traces/delivery.ts';
import { startCollector } from '../../../src/langfuse-stand-in/server.ts';
import { countOutbox } from '../../../src/db/read/trace-outbox.ts';
import { DELIVERY_TIMINGS } from '../../../src/tracing/delivery-state.ts';
import { createLangfuseClient } from '../../../src/tracing/langfuse-client.ts';
import { createTestDatabase } from '../../support/database.ts';
import { HURRIED, KEYS, openOutbox, readObject } from '../../support/outbox.ts';
import type { Outbox } from '../../support/outbox.ts';

const SENDER = join(import.meta.dirname, '../../support/sender.ts');
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

let outbox: Outbox;
beforeEach(async () => {
  outbox = await openOutbox();
});
afterEach(() => outbox?.[Symbol.asyncDispose]());

/** Stands before the collector and never answers a batch of spans; `stored` says whether the collector got it before. */
async function silentServer(stored: boolean) {
  let heard = () => {};
  const batch = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const server = createServer((request, response) => {
    const pass = async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const sends = request.method === 'POST';
      if (sends && !stored) return heard();
      const { authorization = '', 'content-type': type = 'application/json' } = request.headers;
      const headers = { authorization, 'content-type': type, 'x-langfuse-ingestion-version': '4' };
      const body = sends ? Buffer.concat(chunks) : null;
      const url = `${outbox.collector.url}${request.url}`;
      const answer = await fetch(url, { method: request.method ?? 'GET', headers, body });
      if (sends) return heard();
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(await answer.text());
    };
    pass().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, batch, close: () => server.closeAllConnections() ?? server.close() };
}

test.for([{ stored: true }, { stored: false }])(
  'a sender killed between sending and the answer (stored: $stored): the next one reads back first, and nothing is doubled',
  async ({ stored }) => {
    const episode = await outbox.startEpisode();
    const spans = await outbox.endSteps(episode, 1, 7);
    const server = await silentServer(stored);
    // It must not hear the silence before it is killed.
    const timings = JSON.stringify({ ...DELIVERY_TIMINGS, request_ms: 60_000 });
    const sender = spawn(process.execPath, [SENDER, outbox.database.url, server.url, KEYS.secret_key, timings]);
    const exited = once(sender, 'exit');
    await server.batch;
    expect(await countOutbox(outbox.database.client.db)).toMatchObject({ sending: 7, pending: 0 });
    sender.kill('SIGKILL');
    await exited;
    server.close();

    // The dead sender's deadline, and whatever patience follows it, are a matter of the clock.
    let skipped_ms = 121_000;
    const now = () => new Date(Date.now() + skipped_ms);
    const deps = { ...outbox.database.client, alerts: outbox.alerts, readObject, langfuse: outbox.client(), now };
    const delivery = createDelivery({ ...deps, timings: DELIVERY_TIMINGS });
    const first = await delivery.cycle();
    expect(first).toEqual({ sent: 0, confirmed: stored ? 7 : 0, away: null });
    // One finds out that the server does not lag; then the others follow.
    const rounds = [
      { wait_ms: DELIVERY_TIMINGS.unseen_ms, sent: 0, confirmed: 0 },
      { wait_ms: 0, sent: 1, confirmed: 0 },
      { wait_ms: DELIVERY_TIMINGS.look_ms_max, sent: 0, confirmed: 1 },
      { wait_ms: DELIVERY_TIMINGS.look_ms_max, sent: 0, confirmed: 0 },
      { wait_ms: 0, sent: 6, confirmed: 0 },
      { wait_ms: DELIVERY_TIMINGS.look_ms_max, sent: 0, confirmed: 6 },
    ];
    for (const { wait_ms, ...expected } of stored ? [] : rounds) {
      skipped_ms += wait_ms;
      expect(await delivery.cycle()).toMatchObject(expected);
    }
    expect(await outbox.stored(episode)).toEqual(spans.toSorted());
    expect(await countOutbox(outbox.database.client.db)).toMatchObject({ confirmed: 7, sending: 0 });
  },
);

test('Langfuse away for a whole episode and a day after: everything arrives when it returns, once', async () => {
  const port = outbox.collector.port;
  await outbox.collector.stop();
  let skipped_ms = 0;
  const now = () => new Date(Date.now() + skipped_ms);
  const { db } = outbox.database.client;
  const delivery = createDelivery({
    db,
    alerts: outbox.alerts,
    readObject,
    langfuse: outbox.client(),
    now,
    timings: DELIVERY_TIMINGS,
  });
  const episode = await outbox.startEpisode();
  const spans: string[] = [];
  for (let step = 1; step <= 30; step += 1) {
    spans.push(...(await outbox.endSteps(episode, step, step)));
    expect(await delivery.cycle()).toMatchObject({ sent: 0, away: expect.any(String) });
  }
  for (let hour = 0; hour < 24; hour += 1) {
    skipped_ms += HOUR_MS;
    expect(await delivery.cycle()).toMatchObject({ sent: 0, away: expect.any(String) });
  }
  expect(await countOutbox(db)).toMatchObject({ pending: 30, sending: 0 });

  const home = await createTestDatabase();
  const returned = await startCollector({ databaseUrl: home.url, port, keys: KEYS });
  try {
    expect(await delivery.cycle()).toMatchObject({ sent: 30, away: null });
    skipped_ms += DELIVERY_TIMINGS.look_ms;
    expect(await delivery.cycle()).toMatchObject({ confirmed: 30 });
    const langfuse = createLangfuseClient({ base_url: returned.url, ...KEYS, request_ms: 5_000 });
    const rows = await langfuse.listObservations(await langfuse.detect(), { traces: [episode.trace_id] });
    expect(rows.map(({ id }) => id).toSorted()).toEqual(spans.toSorted());
  } finally {
    await returned.stop();
    await home[Symbol.asyncDispose]();
  }
});

test('what was accepted before an outage is not sent again after it, however long it was', async () => {
  const episode = await outbox.startEpisode();
  const spans = await outbox.endSteps(episode, 1, 3);
  // Taken, and not to be seen for a while: as a server's queue does it.
  await outbox.setFaults({ faults: [{ kind: 'delay_visibility', on: ['otlp'], delay_ms: 700, count: 1 }] });
  let skipped_ms = 0;
  const now = () => new Date(Date.now() + skipped_ms);
  const { db } = outbox.database.client;
  const delivery = createDelivery({
    db,
    alerts: outbox.alerts,
    readObject,
    langfuse: outbox.client(),
    now,
    timings: HURRIED,
  });
  expect(await delivery.cycle()).toMatchObject({ sent: 3 });
  skipped_ms += HURRIED.look_ms;
  expect(await delivery.cycle()).toMatchObject({ confirmed: 0 });
  await outbox.setFaults({ faults: [{ kind: 'unavailable_503', on: ['health'], count: 1 }] });
  skipped_ms += 24 * HOUR_MS;
  expect(await delivery.cycle()).toMatchObject({ away: expect.any(String) });
  // Back: it does not show them yet, and that is no reason to send them again.
  expect(await delivery.cycle()).toMatchObject({ sent: 0, confirmed: 0, away: null });
  const stop = new AbortController();
  const deps = { ...outbox.database.client, alerts: outbox.alerts, readObject, langfuse: outbox.client(), now };
  const delivering = deliverUntil(stop.signal, { ...deps, timings: HURRIED });
  await outbox.settled();
  stop.abort();
  await delivering;
  expect(await outbox.stored(episode)).toEqual(spans.toSorted());
});

test('a server that shows everything later than our patience, in its order: nothing is sent again', async () => {
  let at_ms = Date.now();
  const now = () => new Date(at_ms);
  const lagging = await openOutbox('events_only', undefined, now);
  try {
    const { db } = lagging.database.client;
    const deps = { db, alerts: lagging.alerts, readObject, langfuse: lagging.client(), now };
    const delivery = createDelivery({ ...deps, timings: DELIVERY_TIMINGS });
    const episode = await lagging.startEpisode();
    const spans: string[] = [];
    // Every six minutes a step ends; the server is forty minutes behind at first, and catches up.
    const lags_min = [40, 36, 32, 28, 24, 19];
    const shown: number[] = [];
    for (let minute = 0; minute <= 50; minute += 1) {
      const delay_ms = (minute % 6 === 0 ? (lags_min[minute / 6] ?? 0) : 0) * MINUTE_MS;
      if (delay_ms > 0) {
        await lagging.setFaults({ faults: [{ kind: 'delay_visibility', on: ['otlp'], delay_ms }] });
        spans.push(...(await lagging.endSteps(episode, spans.length + 1, spans.length + 1)));
      }
      const { sent, confirmed } = await delivery.cycle();
      expect(sent).toBe(delay_ms > 0 ? 1 : 0);
      if (confirmed > 0) shown.push(minute);
      at_ms += MINUTE_MS;
    }
    expect(shown).toEqual([40, 42, 44, 46, 48, 49]);
    expect(await countOutbox(db)).toMatchObject({ confirmed: 6, accepted: 0, pending: 0 });
    expect(await lagging.stored(episode)).toEqual(spans.toSorted());
  } finally {
    await lagging[Symbol.asyncDispose]();
  }
});
