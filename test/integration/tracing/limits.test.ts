// A hundred episodes end together, and Langfuse allows as few requests as Langfuse Cloud's smallest plan: 30 a minute, of which
// the last is refused. All clocks are one that is set by hand: waiting takes no time.
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCoverageActivities } from '../../../src/activities/traces/coverage.ts';
import { createDelivery } from '../../../src/activities/traces/delivery-cycle.ts';
import { insertFeedback } from '../../../src/db/append/feedback.ts';
import { findCoverage } from '../../../src/db/read/coverage.ts';
import { countOutbox } from '../../../src/db/read/trace-outbox.ts';
import { createApiBudget } from '../../../src/runtime/langfuse-budget.ts';
import { DELIVERY_TIMINGS } from '../../../src/tracing/delivery-state.ts';
import { createLangfuseClient } from '../../../src/tracing/langfuse-client.ts';
import { HURRIED, KEYS, openOutbox, readObject } from '../../support/outbox.ts';
import type { Outbox } from '../../support/outbox.ts';

const EPISODES = 100;
const STEPS = 2;
const PER_MINUTE = 30;
const MINUTES_MAX = 20;
const MINUTE_MS = 60_000;
const CYCLE_MS = 1_000;

let at_ms = Date.now();
const now = () => new Date(at_ms);
let outbox: Outbox;
beforeAll(async () => {
  outbox = await openOutbox('events_only', undefined, now);
});
afterAll(() => outbox?.[Symbol.asyncDispose]());

/** A client of a process of its own, as delivery's and each worker's are. */
function client() {
  const wait = async (ms: number) => void (at_ms += ms);
  const budget = createApiBudget(outbox.database.client.db, outbox.collector.url, now);
  return createLangfuseClient({
    base_url: outbox.collector.url,
    ...KEYS,
    request_ms: HURRIED.request_ms,
    budget,
    wait,
  });
}

const counted = async () => {
  const answer = await fetch(`${outbox.collector.url}/faults`);
  return ((await answer.json()) as { limits: { served: number; refused: number }[] }).limits[0];
};

test(`${EPISODES} episodes that end together are complete within ${MINUTES_MAX} minutes of ${PER_MINUTE} requests each`, async () => {
  const { db } = outbox.database.client;
  const episodes = [];
  for (let number = 0; number < EPISODES; number += 1) {
    const episode = await outbox.startEpisode();
    await outbox.endSteps(episode, 1, STEPS);
    await outbox.endEpisode(episode);
    episodes.push(episode);
  }
  const said = { data_type: 'BOOLEAN', name: 'approved', value: true, seq: null, comment: null } as const;
  for (const { id: episode_id } of episodes.slice(0, 50))
    await insertFeedback(db, said, { episode_id, author: 'ada', source: 'person', environment: 'development' });

  await outbox.setFaults({ faults: [], limits: [{ on: 'api', points: PER_MINUTE }] });
  const began_ms = at_ms;
  const deps = { db, alerts: outbox.alerts, readObject, langfuse: client(), now };
  const delivery = createDelivery({ ...deps, timings: DELIVERY_TIMINGS });
  const auditor = createCoverageActivities({
    db,
    store: { stat: async () => undefined },
    langfuse: client(),
    listCompletedSteps: async () => Array.from({ length: STEPS }, (_, place) => ({ run_id: 'run-1', seq: place + 1 })),
  });
  const open = new Map(episodes.map((episode) => [episode.id, episode]));
  // Audits come while delivery is at work, as they do after an episode's end.
  for (let round = 0; open.size > 0; round += 1) {
    at_ms += CYCLE_MS;
    await delivery.cycle();
    if (round % 30 !== 29) continue;
    for (const { id } of open.values()) {
      await new MockActivityEnvironment().run(auditor.auditCoverage, id);
      if ((await findCoverage(db, id))?.verdict === 'complete') open.delete(id);
    }
    expect(at_ms - began_ms).toBeLessThan(MINUTES_MAX * MINUTE_MS);
  }
  for (let round = 0; (await countOutbox(db)).confirmed < EPISODES * (STEPS + 1) + 50; round += 1) {
    at_ms += CYCLE_MS;
    await delivery.cycle();
    expect(at_ms - began_ms).toBeLessThan(MINUTES_MAX * MINUTE_MS);
  }
  const limit = await counted();
  // The first time tells us the limit; from then on it is kept to.
  expect(limit?.refused).toBeLessThanOrEqual(2);
  expect(limit?.served).toBeLessThan(4 * EPISODES);
  const report = await findCoverage(db, episodes[0]?.id ?? '');
  expect(report).toMatchObject({ verdict: 'complete', counts: { expected: STEPS + 1, confirmed: STEPS + 1 } });
});

test('a read that is refused is not tried again before Retry-After is over', async () => {
  const { db } = outbox.database.client;
  const episode = await outbox.startEpisode();
  await outbox.endSteps(episode, 1, 1);
  const delivery = createDelivery({
    db,
    alerts: outbox.alerts,
    readObject,
    langfuse: outbox.client(),
    now,
    timings: DELIVERY_TIMINGS,
  });
  at_ms += MINUTE_MS;
  await delivery.cycle();
  await outbox.setFaults({ faults: [{ kind: 'rate_limited_429', on: ['reads'], retry_after_s: 56 }] });
  for (let second = 0; second < 50; second += 1) {
    at_ms += 1_000;
    expect(await delivery.cycle()).toMatchObject({ confirmed: 0, away: null });
  }
  expect(await outbox.faultsMade()).toBe(1);
  await outbox.setFaults({ faults: [] });
  at_ms += 10_000;
  expect(await delivery.cycle()).toMatchObject({ confirmed: 1 });
});
