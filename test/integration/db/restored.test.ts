// A record that was restored: what began before may not write into it, and what Langfuse may know already is asked first.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertEpisode } from '../../../src/db/append/episodes.ts';
import { readDeployment, readRestoreEpoch } from '../../../src/db/read/deployment.ts';
import { findLastPlace } from '../../../src/db/read/places.ts';
import { readRecoveryStatus } from '../../../src/backup/recovery-status.ts';
import { listRestoredEpisodes } from '../../../src/db/read/recovery.ts';
import { enterRestoredEpoch, noteEpisodeContinued, releaseSchedules } from '../../../src/db/write/recovery.ts';
import { beginStep, endStep } from '../../../src/db/write/steps.ts';
import { StartEpisode } from '../../../src/schemas/episode.ts';
import { spanIdOf } from '../../../src/identity.ts';
import { createSpanFreezer } from '../../../src/tracing/spans.ts';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';

const freezeSpan = createSpanFreezer({ namespace: 'tests' });
let database: TestDatabase;
let episode: { id: string; trace_id: string };
beforeAll(async () => {
  database = await createTestDatabase();
  const accepted = { namespace: 'tests', idempotency_key: null, code_version: null };
  const request = StartEpisode.parse({ task: 'a test' });
  ({ episode } = await insertEpisode(database.client.db, { request, ...accepted }));
});
afterAll(() => database[Symbol.asyncDispose]());

const begin = (seq: number, run_id: string, restore_epoch?: number) =>
  beginStep(database.client.db, {
    identity: { episode_id: episode.id, run_id, seq, parent_seq: null, ...(restore_epoch && { restore_epoch }) },
    description: {
      step_key: `think:${seq}`,
      kind: 'thought',
      agent: 'engineer',
      node: 'engineer',
      name: 'think',
      input: {},
      model: null,
      checkpoint_id: 'c',
      activity_id: '1',
      span_id: spanIdOf(episode.trace_id, run_id, `think:${seq}`),
    },
    tryer: { worker: 'w', build: 'b', activity_attempt: 1 },
    freezeSpan,
  });
const states = async () =>
  database.client.db.selectFrom('trace_outbox').select(['span_id', 'state']).orderBy('created_at').execute();

test('runs of an older epoch are refused, and the new run goes on from the last place', async () => {
  const { db } = database.client;
  const first = await begin(1, 'old');
  const rest = { artifacts: [], workspace: null, search_text: null, error: null };
  const usage = { input_tokens: 0, cached_tokens: 0, output_tokens: 0, reasoning_tokens: 0, usd: 0 };
  await endStep(db, { step: first.step, attempt: 1, end: { status: 'ok', output: {}, usage, ...rest }, freezeSpan });
  await begin(2, 'old');
  expect(await readDeployment(db)).toMatchObject({ restore_epoch: 0, restored_at: null, schedules_held: false });
  expect(await findLastPlace(db, episode.id)).toBe(1);

  expect(await enterRestoredEpoch(db)).toEqual({ restore_epoch: 1, unconfirmed_spans: 1, open_episodes: [episode.id] });
  expect(await readRestoreEpoch(db)).toBe(1);
  expect(await listRestoredEpisodes(db)).toEqual([episode.id]);
  await expect(begin(2, 'old')).rejects.toMatchObject({ code: 'aborted' });
  await expect(begin(2, 'reset of old')).rejects.toMatchObject({ code: 'aborted' });
  expect(await begin(2, 'new', 1)).toMatchObject({ state: 'running' });
  // The one that had ended may have been told of; the one that was open, and its lost attempt, may have ended in the record that is lost.
  expect((await states()).map(({ state }) => state)).toEqual(['sending', 'sending', 'sending']);
});

test('a step that a reset overtakes later is told of at once', async () => {
  expect(await begin(2, 'newer', 1)).toMatchObject({ state: 'running' });
  expect((await states()).map(({ state }) => state)).toEqual(['sending', 'sending', 'sending', 'pending', 'pending']);
});

test('episodes are carried on once, and schedules wait until somebody lets them run', async () => {
  const { db } = database.client;
  const told = async () => {
    const { checks } = await readRecoveryStatus(db, { now_ms: Date.now(), same_endpoint: true });
    return checks.find(({ name }) => name === 'restored')?.reason;
  };
  expect(await told()).toMatch(/^1 episodes wait to be carried on/);
  await noteEpisodeContinued(db, episode.id);
  expect(await told()).toMatch(/^schedules wait since the restore/);
  expect(await listRestoredEpisodes(db)).toEqual([]);
  expect(await readDeployment(db)).toMatchObject({ schedules_held: true });
  await releaseSchedules(db);
  expect(await readDeployment(db)).toMatchObject({ schedules_held: false, restore_epoch: 1 });
  expect(await told()).toBeNull();
});
