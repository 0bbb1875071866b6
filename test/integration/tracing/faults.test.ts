// The fault matrix: delivery runs while steps end, the stand-in fails in every way that Langfuse was seen to fail, alone and
// mixed. In the end it must hold every span, and each once.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deliverUntil } from '../../../src/activities/traces/delivery.ts';
import type { Fault } from '../../../src/langfuse-stand-in/faults.ts';
import { insertFeedback } from '../../../src/db/append/feedback.ts';
import { countOutbox } from '../../../src/db/read/trace-outbox.ts';
import { HURRIED, openOutbox, readObject } from '../../support/outbox.ts';
import type { Outbox } from '../../support/outbox.ts';

const STEPS = 12;
const SENDS: Fault['on'] = ['otlp', 'ingestion'];
const EVERYTHING: Fault['on'] = ['otlp', 'ingestion', 'reads', 'health'];

let outbox: Outbox;
beforeAll(async () => {
  outbox = await openOutbox();
});
afterAll(() => outbox?.[Symbol.asyncDispose]());

/** Ends steps while delivery runs under these faults; resolves when everything has settled. */
async function playUnder(plan: Parameters<Outbox['setFaults']>[0], of = outbox) {
  await of.setFaults(plan);
  const episode = await of.startEpisode();
  const stop = new AbortController();
  const deps = { ...of.database.client, alerts: of.alerts, readObject, langfuse: of.client(), now: () => new Date() };
  const delivering = deliverUntil(stop.signal, { ...deps, timings: HURRIED });
  try {
    const spans = await of.endSteps(episode, 1, STEPS);
    await of.settled();
    const made = await of.faultsMade();
    await of.setFaults({ faults: [] });
    return { episode, spans: spans.toSorted(), made };
  } finally {
    stop.abort();
    await delivering;
  }
}

test.for<Partial<Fault>>([
  { kind: 'error_500' },
  { kind: 'bad_gateway_html' },
  { kind: 'unavailable_503' },
  { kind: 'rate_limited_429', retry_after_s: 0 },
  { kind: 'hang' },
  { kind: 'reset_before_storing' },
  { kind: 'store_then_reset' },
  { kind: 'drop' },
  { kind: 'delay_visibility', delay_ms: 600 },
])('under $kind every span arrives, once', async (fault) => {
  const { episode, spans, made } = await playUnder({ faults: [{ ...fault, on: SENDS, count: 2 }] });
  expect(made).toBe(2);
  expect(await outbox.stored(episode)).toEqual(spans);
});

test.for([1, 2, 3])(
  'under all faults mixed (lots of seed %i), reads and health too, every span arrives, once',
  async (seed) => {
    const some = { probability: 0.2, count: 3 };
    const { episode, spans, made } = await playUnder({
      seed,
      faults: [
        { kind: 'store_then_reset', on: SENDS, ...some },
        { kind: 'drop', on: SENDS, ...some },
        { kind: 'delay_visibility', on: SENDS, delay_ms: 300, ...some },
        { kind: 'reset_before_storing', on: EVERYTHING, ...some },
        { kind: 'error_500', on: EVERYTHING, ...some },
        { kind: 'bad_gateway_html', on: EVERYTHING, ...some },
        { kind: 'unavailable_503', on: EVERYTHING, ...some },
        { kind: 'rate_limited_429', on: EVERYTHING, retry_after_s: 0, ...some },
        { kind: 'hang', on: EVERYTHING, ...some },
      ],
    });
    expect(made).toBeGreaterThan(3);
    expect(await outbox.stored(episode)).toEqual(spans);
  },
);

test('a batch that is too large is halved until its parts are taken', async () => {
  const episode = await outbox.startEpisode();
  const spans = await outbox.endSteps(episode, 1, 16);
  await outbox.setFaults({ faults: [{ kind: 'too_large_413', on: SENDS, bytes: 8_000 }] });
  await deliverAll(outbox);
  expect(await outbox.faultsMade()).toBeGreaterThan(2);
  await outbox.setFaults({ faults: [] });
  expect(await outbox.stored(episode)).toEqual(spans.toSorted());
});

test('the one span that is refused is parked loudly, and takes none of its batch with it', async () => {
  const own = await openOutbox();
  try {
    const episode = await own.startEpisode();
    const [bad, ...good] = await own.endSteps(episode, 1, 9);
    await own.database.client.pool.query(
      `update trace_outbox set payload = replace(payload, '"spanId":"${bad}"', '"spanId":"xyz"') where span_id = $1`,
      [bad],
    );
    await deliverAll(own);
    expect(await own.stored(episode)).toEqual(good.toSorted());
    expect(await countOutbox(own.database.client.db)).toMatchObject({ parked: 1, confirmed: 8 });
    expect(own.raised).toEqual([
      expect.objectContaining({ name: 'trace_item_parked', facts: expect.objectContaining({ span_id: bad }) }),
    ]);
  } finally {
    await own[Symbol.asyncDispose]();
  }
});

test('a server that takes no OTLP gets the same spans by ingestion, and feedback as scores', async () => {
  const old = await openOutbox('legacy');
  try {
    const { episode, spans } = await playUnder({ faults: [{ kind: 'store_then_reset', on: SENDS, count: 1 }] }, old);
    expect(await old.stored(episode)).toEqual(spans);
    const said = { data_type: 'BOOLEAN', name: 'useful', value: true, seq: 2, comment: null } as const;
    const by = { episode_id: episode.id, author: 'somebody', source: 'person', environment: 'development' } as const;
    const { id } = await insertFeedback(old.database.client.db, said, by);
    await deliverAll(old);
    const langfuse = old.client();
    expect(await langfuse.listScores(await langfuse.detect(), { ids: [id], trace_id: episode.trace_id })).toEqual([id]);
  } finally {
    await old[Symbol.asyncDispose]();
  }
});

test('feedback arrives as a score of its step’s observation, and its row is never changed', async () => {
  const { episode } = await playUnder({ faults: [] });
  const said = { data_type: 'CATEGORICAL', name: 'verdict', value: 'good', seq: 1, comment: 'neat' } as const;
  const by = { episode_id: episode.id, author: 'somebody', source: 'person', environment: 'development' } as const;
  const { id } = await insertFeedback(outbox.database.client.db, said, by);
  await deliverAll(outbox);
  const langfuse = outbox.client();
  expect(await langfuse.listScores(await langfuse.detect(), { ids: [id], trace_id: episode.trace_id })).toEqual([id]);
  await expect(
    outbox.database.client.pool.query(`update feedback set comment = 'not neat' where id = $1`, [id]),
  ).rejects.toThrow('never changed');
});

async function deliverAll(of: Outbox): Promise<void> {
  const stop = new AbortController();
  const deps = { ...of.database.client, alerts: of.alerts, readObject, langfuse: of.client(), now: () => new Date() };
  const delivering = deliverUntil(stop.signal, { ...deps, timings: HURRIED });
  try {
    await of.settled();
  } finally {
    stop.abort();
    await delivering;
  }
}
