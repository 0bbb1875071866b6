// What delivery does on the servers that there are: default v4 ones, v4 ones that write the older store, and those whose
// endpoints fail one by one. The stand-in is told to be each.
import { afterEach, expect, test } from 'vitest';
import { createDelivery } from '../../../src/activities/traces/delivery-cycle.ts';
import { endEpisode } from '../../../src/db/write/episodes.ts';
import { dropBegun } from '../../../src/db/write/spans.ts';
import { deleteEpisode, noteForgotten } from '../../../src/db/write/deletion.ts';
import { checkLangfuse } from '../../../src/runtime/doctor/langfuse.ts';
import { perform } from '../../../src/runtime/doctor/finding.ts';
import { Secret } from '../../../src/config/secret.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { insertFeedback } from '../../../src/db/append/feedback.ts';
import { countOutbox } from '../../../src/db/read/trace-outbox.ts';
import { DELIVERY_TIMINGS } from '../../../src/tracing/delivery-state.ts';
import { KEYS, openOutbox, readObject } from '../../support/outbox.ts';
import type { Outbox } from '../../support/outbox.ts';

const MINUTE_MS = 60_000;
const opened: Outbox[] = [];
afterEach(async () => {
  for (const outbox of opened.splice(0)) await outbox[Symbol.asyncDispose]();
});

/** An outbox and a delivery with a clock that is set by hand. */
async function open(mode: Parameters<typeof openOutbox>[0] = 'events_only') {
  const outbox = await openOutbox(mode);
  opened.push(outbox);
  let skipped_ms = 0;
  const { db } = outbox.database.client;
  const now = () => new Date(Date.now() + skipped_ms);
  const deps = { db, alerts: outbox.alerts, readObject, langfuse: outbox.client(), now };
  const delivery = createDelivery({ ...deps, timings: DELIVERY_TIMINGS });
  const pass = (ms: number) => {
    skipped_ms += ms;
    return delivery.cycle();
  };
  return { outbox, db, cycle: () => delivery.cycle(), pass };
}

const scored = (outbox: Outbox, episode_id: string, value: boolean) =>
  insertFeedback(
    outbox.database.client.db,
    { data_type: 'BOOLEAN', name: 'useful', value, seq: null, comment: null },
    { episode_id, author: 'ada', source: 'person', environment: 'development' },
  );

const asked = async ({ collector }: Outbox, path: string) => {
  const authorization = `Basic ${btoa(`${KEYS.public_key}:${KEYS.secret_key}`)}`;
  const answer = await fetch(`${collector.url}${path}`, { headers: { authorization } });
  return ((await answer.json()) as { data: Record<string, unknown>[] }).data;
};

test('a score goes to its own endpoint, says who gave it, and is confirmed by its id', async () => {
  const { outbox, db, cycle, pass } = await open();
  const episode = await outbox.startEpisode();
  const { id } = await scored(outbox, episode.id, true);
  // What a v4 server is announced to take no more.
  await outbox.setFaults({ faults: [{ kind: 'gone_404', on: ['ingestion'] }] });
  expect(await cycle()).toMatchObject({ sent: 1 });
  expect(await pass(DELIVERY_TIMINGS.look_ms)).toMatchObject({ confirmed: 1 });
  expect(await countOutbox(db)).toMatchObject({ confirmed: 1 });
  const [score] = await asked(outbox, `/api/public/v3/scores?id=${id}&fields=details`);
  expect(score).toMatchObject({ id, value: true, metadata: { author: 'ada', source: 'person' } });
});

test('a score of an older record, which does not say who gave it, still arrives', async () => {
  const { outbox, cycle, pass } = await open();
  const episode = await outbox.startEpisode();
  const { id } = await scored(outbox, episode.id, true);
  await outbox.database.client.pool.query(
    `update trace_outbox set payload = (payload::jsonb - 'metadata')::text where span_id = $1`,
    [id],
  );
  await cycle();
  expect(await pass(DELIVERY_TIMINGS.look_ms)).toMatchObject({ confirmed: 1 });
});

test('an endpoint that is not there stops what goes to it and nothing else, and blames no keys', async () => {
  const { outbox, db, cycle, pass } = await open();
  const episode = await outbox.startEpisode();
  await scored(outbox, episode.id, true);
  await outbox.endSteps(episode, 1, 3);
  await outbox.setFaults({ faults: [{ kind: 'gone_404', on: ['scores'] }] });
  expect(await cycle()).toMatchObject({ sent: 3, away: null });
  await outbox.endSteps(episode, 4, 5);
  expect(await pass(DELIVERY_TIMINGS.look_ms)).toMatchObject({ sent: 2, confirmed: 3 });
  expect(outbox.raised).toEqual([expect.objectContaining({ name: 'langfuse_unwelcome', subject: 'scores' })]);
  expect(outbox.raised[0]?.message).not.toContain('KEY');
  await outbox.setFaults({ faults: [] });
  expect(await pass(DELIVERY_TIMINGS.unwelcome_pause_ms)).toMatchObject({ sent: 1 });
  expect(outbox.raised).toEqual([]);
  await pass(DELIVERY_TIMINGS.look_ms);
  expect(await countOutbox(db)).toMatchObject({ confirmed: 6 });
});

test('a score that its server refuses is parked loudly, and the one beside it arrives', async () => {
  const { outbox, db, cycle, pass } = await open();
  const episode = await outbox.startEpisode();
  const { id } = await scored(outbox, episode.id, true);
  await outbox.database.client.pool.query(
    `update trace_outbox set payload = replace(payload, '"value":1', '"value":7') where span_id = $1`,
    [id],
  );
  await scored(outbox, episode.id, false);
  await cycle();
  await pass(DELIVERY_TIMINGS.look_ms);
  expect(await countOutbox(db)).toMatchObject({ parked: 1, confirmed: 1 });
  expect(outbox.raised).toEqual([
    expect.objectContaining({ name: 'trace_item_parked', facts: expect.objectContaining({ span_id: id }) }),
  ]);
});

test.for(['error_500', 'unavailable_503', 'bad_gateway_html'] as const)(
  'a batch that the server refuses with %s is sent again as soon as it is well: seconds, not twenty minutes',
  async (kind) => {
    const { outbox, db, cycle, pass } = await open();
    const episode = await outbox.startEpisode();
    const spans = await outbox.endSteps(episode, 1, 3);
    await outbox.setFaults({ faults: [{ kind, on: ['otlp'], count: 2 }] });
    expect(await cycle()).toMatchObject({ sent: 0 });
    expect(await countOutbox(db)).toMatchObject({ pending: 3, sending: 0 });
    expect(await pass(DELIVERY_TIMINGS.backoff_ms)).toMatchObject({ sent: 0 });
    expect(await pass(2 * DELIVERY_TIMINGS.backoff_ms)).toMatchObject({ sent: 3 });
    expect(await pass(DELIVERY_TIMINGS.look_ms)).toMatchObject({ confirmed: 3 });
    expect(await outbox.stored(episode)).toEqual(spans.toSorted());
  },
);

test('an episode that runs is listed by its root, and the root with its end takes that place', async () => {
  const { outbox, db, cycle, pass } = await open();
  const episode = await outbox.startEpisode();
  const root = await outbox.beginRoot(episode);
  expect(await cycle()).toMatchObject({ sent: 1 });
  expect(await pass(DELIVERY_TIMINGS.look_ms)).toMatchObject({ confirmed: 1 });
  expect(await asked(outbox, `/api/public/v2/observations?traceId=${episode.trace_id}`)).toMatchObject([
    { id: root, type: 'AGENT', parentObservationId: null },
  ]);
  await outbox.endEpisode(episode);
  await dropBegun(db, episode.id);
  // What is there already is not the end: that is confirmed only when it is shown.
  await outbox.setFaults({ faults: [{ kind: 'drop', on: ['otlp'], count: 1 }] });
  expect(await cycle()).toMatchObject({ sent: 1 });
  expect(await pass(DELIVERY_TIMINGS.look_ms)).toMatchObject({ confirmed: 0 });
  await pass(DELIVERY_TIMINGS.unseen_ms);
  expect(await cycle()).toMatchObject({ sent: 1 });
  expect(await pass(DELIVERY_TIMINGS.look_ms_max)).toMatchObject({ confirmed: 1 });
  expect(await countOutbox(db)).toMatchObject({ confirmed: 2, pending: 0, sending: 0, accepted: 0 });
});

test('what is owed at Langfuse is deleted in one request, asked for again after it was refused, and told after a week', async () => {
  const { outbox, db, cycle, pass } = await open();
  const deleted: Episode[] = [];
  for (const _ of [1, 2, 3]) {
    const episode = await outbox.startEpisode();
    await outbox.endSteps(episode, 1, 1);
    deleted.push(episode);
  }
  await cycle();
  await pass(DELIVERY_TIMINGS.look_ms);
  for (const { id } of deleted) {
    await endEpisode(db, id, {
      status: 'failed',
      terminal_reason: 'INTERNAL_ERROR',
      failure_class: null,
      failure: null,
    });
    await deleteEpisode(db, { id, reason: 'asked' });
    await noteForgotten(db, { id, langfuse: 'owed', temporal: 'forgotten' });
  }
  const owed = async () =>
    (await db.selectFrom('deleted_episodes').select('langfuse').execute()).map(({ langfuse }) => langfuse);
  const limits = async () => {
    const answer = await fetch(`${outbox.collector.url}/faults`);
    return ((await answer.json()) as { limits: object[] }).limits;
  };
  await outbox.setFaults({ faults: [], limits: [{ on: 'deletion', points: 1, window_s: 3_600 }] });
  await cycle();
  expect([await owed(), await limits()]).toMatchObject([['owed', 'owed', 'owed'], [{ served: 0, refused: 1 }]]);
  // Not in every cycle, and at once when Retry-After is over.
  await pass(30 * MINUTE_MS);
  expect(await limits()).toMatchObject([{ refused: 1 }]);
  await outbox.setFaults({ faults: [{ kind: 'error_500', on: ['deletion'] }], limits: [] });
  await pass(8 * 24 * 60 * MINUTE_MS);
  expect(outbox.raised).toEqual([expect.objectContaining({ name: 'langfuse_deletion_owed' })]);
  await outbox.setFaults({ faults: [], limits: [{ on: 'deletion', points: 9 }] });
  await pass(30 * MINUTE_MS);
  expect([await owed(), await limits()]).toMatchObject([['forgotten', 'forgotten', 'forgotten'], [{ served: 1 }]]);
  expect(outbox.raised).toEqual([]);
  for (const episode of deleted) expect(await outbox.stored(episode)).toEqual([]);
});

test('the doctor writes a span, reads it back, and says how long that took', async () => {
  const { outbox } = await open();
  const { url: base_url } = outbox.collector;
  const langfuse = { base_url, public_key: KEYS.public_key, secret_key: new Secret(KEYS.secret_key) };
  const findings = await perform(checkLangfuse({ langfuse }));
  expect(findings).toMatchObject([
    { name: 'langfuse', state: 'ok', detail: 'version 4.16.0, takes the keys, shows traces from events' },
    {
      name: 'langfuse traces',
      state: 'ok',
      detail: expect.stringMatching(/^a span was written, and shown \d+\.\d s later$/),
    },
  ]);
  const refused = await perform(checkLangfuse({ langfuse: { ...langfuse, secret_key: new Secret('another') } }));
  expect(refused).toMatchObject([{ state: 'fail', detail: 'refuses the keys' }]);
});

test('a v4 server that writes the older store is read there: nothing is missed, and nothing sent again', async () => {
  const { outbox, db, cycle, pass } = await open('v4_legacy');
  const episode = await outbox.startEpisode();
  const spans = await outbox.endSteps(episode, 1, 1);
  expect(await cycle()).toMatchObject({ sent: 1 });
  // It had nothing before, so that which store it writes shows only now, when it is asked again.
  expect(await pass(5 * MINUTE_MS)).toMatchObject({ sent: 0, confirmed: 1 });
  spans.push(...(await outbox.endSteps(episode, 2, 4)));
  expect(await cycle()).toMatchObject({ sent: 3 });
  expect(await pass(DELIVERY_TIMINGS.look_ms)).toMatchObject({ confirmed: 3 });
  expect(await pass(DELIVERY_TIMINGS.unseen_ms)).toMatchObject({ sent: 0 });
  expect(await countOutbox(db)).toMatchObject({ confirmed: 4, pending: 0 });
  expect(await outbox.stored(episode)).toEqual(spans.toSorted());
});
