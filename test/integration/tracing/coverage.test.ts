// What an audit must name is planted in a whole episode, one thing at a time: in Langfuse, in the record, in the store.
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createCoverageActivities } from '../../../src/activities/traces/coverage.ts';
import { createJsonStore } from '../../../src/storage/json-store.ts';
import { createAgents } from '../../../src/agents/agents.ts';
import { createTraceRepairActivities } from '../../../src/activities/traces/repair.ts';
import { createDelivery } from '../../../src/activities/traces/delivery-cycle.ts';
import { findCoverage } from '../../../src/db/read/coverage.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { s3Options } from '../../../src/runtime/artifact-store.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { createS3ObjectStore } from '../../../src/storage/s3.ts';
import { HURRIED, openOutbox, readObject } from '../../support/outbox.ts';
import type { Outbox } from '../../support/outbox.ts';

const STEPS = 3;

let outbox: Outbox;
let store: ReturnType<typeof createS3ObjectStore>;
beforeAll(async () => {
  outbox = await openOutbox();
  store = createS3ObjectStore(s3Options(loadConfig(inject('environment'))));
});
afterAll(async () => {
  await store?.[Symbol.asyncDispose]();
  await outbox?.[Symbol.asyncDispose]();
});

const query = (text: string, values: unknown[]) => outbox.database.client.pool.query(text, values);

/** Ends steps, plants something before Langfuse hears of them, delivers, plants something more, and audits. */
async function audit(plant: {
  before?: (spans: string[]) => Promise<unknown>;
  after?: (of: Episode) => Promise<unknown>;
}) {
  const episode = await outbox.startEpisode();
  const spans = await outbox.endSteps(episode, 1, STEPS);
  await query('delete from trace_outbox where episode_id <> $1', [episode.id]);
  await plant.before?.(spans);
  const { db } = outbox.database.client;
  const { alerts } = outbox;
  const delivery = createDelivery({
    db,
    alerts,
    readObject,
    langfuse: outbox.client(),
    now: () => new Date(),
    timings: HURRIED,
  });
  while ((await delivery.cycle()).sent === 0);
  await plant.after?.(episode);
  // The spans of this test have no root, which is as it should be: their parent is asked for below.
  const listCompletedSteps = async () =>
    Array.from({ length: STEPS }, (_, index) => ({ run_id: 'run-1', seq: index + 1 }));
  const activities = createCoverageActivities({ db, store, langfuse: outbox.client(), listCompletedSteps });
  await new MockActivityEnvironment().run(activities.auditCoverage, episode.id);
  const report = await findCoverage(db, episode.id);
  const found = (report?.findings ?? []).filter(({ detail }) => !/its parent/.test(detail));
  return { spans, report, found: found.map(({ kind, witness, item, seq }) => ({ kind, witness, item, seq })) };
}

/** Repairs as an operator asks for it, and tells what Langfuse's stand-in holds afterwards. */
async function repair(episode: Episode) {
  const { db } = outbox.database.client;
  const { alerts } = outbox;
  const activities = createTraceRepairActivities({
    db,
    json: createJsonStore(store),
    agents: createAgents(new Map()),
    langfuse: outbox.client(),
    freezeSpan: outbox.freezeSpan,
    alerts,
  });
  const repaired = await new MockActivityEnvironment().run(activities.repairTrace, episode.id);
  const delivery = createDelivery({
    db,
    alerts,
    readObject,
    langfuse: outbox.client(),
    now: () => new Date(),
    timings: HURRIED,
  });
  await delivery.cycle();
  return { repaired, stored: await outbox.stored(episode) };
}

const fileOf = async (episode: Episode, { attempt, stored }: { attempt: number; stored: boolean }) => {
  const content = Buffer.from(`a file of ${episode.id}`);
  const { sha256, size_bytes } = await store.put(content, { contentType: 'text/plain' });
  await query('insert into artifacts (sha256, size_bytes) values ($1, $2)', [sha256, stored ? size_bytes : 7]);
  await query(
    `insert into step_artifacts (step_id, role, path, sha256, content_type, kind, attempt)
     select id, 'output', '/planted.txt', $2, 'text/plain', 'OTHER', $3 from steps where episode_id = $1 and seq = 2`,
    [episode.id, sha256, attempt],
  );
  return sha256;
};

test('an episode in which nothing was planted has nothing to name', async () => {
  const { found, report } = await audit({ after: (of) => fileOf(of, { attempt: 1, stored: true }) });
  expect(found).toEqual([]);
  expect(report?.counts).toMatchObject({ expected: STEPS, confirmed: STEPS, missing: 0, doubled: 0 });
  expect(report?.witnesses.objects).toMatchObject({ asked: true, items: 1 });
});

test('an observation of the wrong type is named, with its step', async () => {
  const { found, spans } = await audit({
    before: ([, second]) =>
      query(`update trace_outbox set payload = replace(payload, '"generation"', '"chain"') where span_id = $1`, [
        second,
      ]),
  });
  expect(found).toEqual([{ kind: 'wrongly_typed', witness: 'langfuse', item: spans[1], seq: 2 }]);
});

test('an observation that is missing and one that nothing explains are named', async () => {
  const { found, spans } = await audit({
    before: ([first]) =>
      query(`update trace_outbox set payload = replace(payload, $1, 'aaaaaaaaaaaaaaaa') where span_id = $1`, [first]),
  });
  expect(found).toEqual([
    { kind: 'missing', witness: 'langfuse', item: spans[0], seq: 1 },
    { kind: 'orphaned', witness: 'langfuse', item: 'aaaaaaaaaaaaaaaa', seq: null },
  ]);
});

test('an observation that is there twice is named', async () => {
  const { found, spans } = await audit({
    after: async ({ id }) => {
      const langfuse = outbox.client();
      const { rows } = await query('select span_id, trace_id from trace_outbox where episode_id = $1', [id]);
      const [{ span_id, trace_id }] = rows as [{ span_id: string; trace_id: string }];
      const start = '1700000000000000000';
      const again = { traceId: trace_id, spanId: span_id, name: 'think', kind: 1, attributes: [], status: { code: 0 } };
      const key = 'langfuse.observation.type';
      const payload = JSON.stringify({
        ...again,
        attributes: [{ key, value: { stringValue: 'generation' } }],
        startTimeUnixNano: start,
        endTimeUnixNano: start,
      });
      await langfuse.sendSpans(await langfuse.detect(), [{ span_id, payload }]);
    },
  });
  expect(found).toEqual([{ kind: 'doubled', witness: 'langfuse', item: spans[0], seq: 1 }]);
});

test('a file that no attempt of its step made is named, and one whose bytes are not those of the record', async () => {
  let sha256 = '';
  const orphan = await audit({ after: async (of) => (sha256 = await fileOf(of, { attempt: 99, stored: true })) });
  expect(orphan.found).toEqual([{ kind: 'orphaned', witness: 'objects', item: sha256, seq: 2 }]);
  const damaged = await audit({ after: async (of) => (sha256 = await fileOf(of, { attempt: 1, stored: false })) });
  expect(damaged.found).toEqual([{ kind: 'damaged', witness: 'objects', item: sha256, seq: 2 }]);
});

test('a repair sends again what Langfuse refused, and what it held and has lost, under the ids that they had', async () => {
  const episode = await outbox.startEpisode();
  const spans = await outbox.endSteps(episode, 1, STEPS);
  const [refused, lost, held] = spans;
  await query(`update trace_outbox set state = 'parked', error = 'HTTP 400' where span_id = $1`, [refused]);
  // As if it had been seen, in a Langfuse that is no more.
  await query(
    `update trace_outbox set state = 'confirmed', payload = null, confirmed_at = clock_timestamp() where span_id = $1`,
    [lost],
  );
  await query(`update trace_outbox set state = 'parked' where span_id = $1`, [held]);
  const { repaired, stored } = await repair(episode);
  expect(repaired).toEqual({ unparked: 2, rebuilt: 1, resent: 0 });
  expect(stored).toEqual(spans.toSorted());
  const again = await repair(episode);
  expect(again).toEqual({ repaired: { unparked: 0, rebuilt: 0, resent: 0 }, stored: spans.toSorted() });
});

test('a repair sends what Langfuse lacks at once, also what is in doubt, but not what may still be on its way', async () => {
  const episode = await outbox.startEpisode();
  const [doubtful = '', sent = ''] = await outbox.endSteps(episode, 1, 2);
  await query(`update trace_outbox set state = 'sending', sent_at = now() - interval '5 minutes' where span_id = $1`, [
    doubtful,
  ]);
  await query(
    `update trace_outbox set state = 'accepted', sent_at = now(), next_attempt_at = now() + interval '1 hour' where span_id = $1`,
    [sent],
  );
  const { repaired, stored } = await repair(episode);
  expect(repaired).toEqual({ unparked: 0, rebuilt: 0, resent: 1 });
  expect(stored).toEqual([doubtful]);
});
