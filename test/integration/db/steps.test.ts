// The two transactions of a step, under everything that a crash, a zombie or a reset can do to them.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { insertEpisode } from '../../../src/db/append/episodes.ts';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { listEvents } from '../../../src/db/read/events.ts';
import { listLogs } from '../../../src/db/read/logs.ts';
import { getStepDetail, listSteps } from '../../../src/db/read/steps.ts';
import { endEpisode } from '../../../src/db/write/episodes.ts';
import { insertLogLines } from '../../../src/db/write/logs.ts';
import { beginStep, endStep, failAttempt } from '../../../src/db/write/steps.ts';
import type { Begun, StepEnd } from '../../../src/db/write/steps.ts';
import { StartEpisode } from '../../../src/schemas/episode.ts';
import { toNewEvent } from '../../../src/schemas/events/record.ts';
import type { ObservabilityEvent } from '../../../src/schemas/events/registry.ts';
import type { Step } from '../../../src/schemas/step.ts';
import { createSpanFreezer } from '../../../src/tracing/spans.ts';
import { eventOf } from '../../support/events.ts';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';

const freezeSpan = createSpanFreezer({ namespace: 'test' });
const request = StartEpisode.parse({ task: 'test' });
const EVENT_ID = '0199d3c0-0000-7000-8000-00000000000e';
const USAGE = { input_tokens: 10, cached_tokens: 0, output_tokens: 5, reasoning_tokens: 0, usd: 0.25 };
let database: TestDatabase;
let episode: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  const accepted = { request, namespace: 'test', idempotency_key: null, code_version: null };
  episode = (await insertEpisode(database.client.db, accepted)).episode.id;
});

const begin = (seq: number, run = 'run-1', tryer = true): Promise<Begun> =>
  beginStep(database.client.db, {
    identity: { episode_id: episode, run_id: run, seq, parent_seq: null },
    description: {
      step_key: `engineer:task-${seq}`,
      kind: 'thought',
      agent: 'engineer',
      node: 'engineer',
      name: 'think',
      input: {},
      model: 'scripted',
      checkpoint_id: null,
      activity_id: '1',
      span_id: randomUUID().slice(0, 16),
    },
    tryer: tryer ? { worker: 'w', build: 'b', activity_attempt: 1 } : null,
    freezeSpan,
  });

const end = (step: Step, attempt: number, change: Partial<StepEnd> = {}) =>
  endStep(database.client.db, {
    step,
    attempt,
    end: {
      status: 'ok',
      output: { said: attempt },
      error: null,
      usage: USAGE,
      artifacts: [],
      workspace: null,
      search_text: null,
      ...change,
    },
    freezeSpan,
  });

async function running(seq: number, run?: string) {
  const begun = await begin(seq, run);
  if (begun.state !== 'running') throw new Error('expected a running step');
  return begun;
}

const attemptsOf = async (seq: number) => (await getStepDetail(database.client.db, episode, seq)).attempts;

test('a step that has ended is not begun again: its record is the answer', async () => {
  const { step, attempt } = await running(1);
  await end(step, attempt);
  const again = await begin(1);
  expect(again).toMatchObject({ state: 'ended', step: { status: 'ok', output: { said: 1 } } });
  expect(await attemptsOf(1)).toHaveLength(1);
});

test('an attempt that died is closed as lost by the next, with its usage unknown and its log marked as cut', async () => {
  const { step } = await running(1);
  const lines = [{ line: 1, stream: 'stdout', level: 'info', at: new Date().toISOString(), text: 'half' } as const];
  await insertLogLines(database.client.db, { episode_id: episode, step_id: step.id, attempt: 1, lines });
  const second = await running(1);
  await end(second.step, second.attempt);
  expect(await attemptsOf(1)).toMatchObject([
    { attempt: 1, status: 'lost', usage_unknown: true },
    { attempt: 2, status: 'ok', usage_unknown: false, input_tokens: 10 },
  ]);
  const logs = await listLogs(database.client.db, { episode_id: episode, after: 0, limit: 10 });
  expect(logs.map(({ text }) => text)).toEqual(['half', expect.stringMatching(/^attempt 1 was lost/)]);
});

test('of two attempts at once the first to end wins, and both get what it ended with', async () => {
  const zombie = await running(1);
  const second = await running(1);
  const [first, late] = [await end(zombie.step, zombie.attempt), await end(second.step, second.attempt)];
  expect(first.output).toEqual({ said: 1 });
  expect(late.output).toEqual({ said: 1 });
  expect((await attemptsOf(1)).map(({ status }) => status)).toEqual(['ok', 'lost']);
  const sums = await getEpisode(database.client.db, episode);
  expect(sums).toMatchObject({ step_count: 1, attempt_count: 2, input_tokens: 20, usd: 0.5 });
});

test('the events of a step are those of the attempt that ended it, once, after its end in the stream', async () => {
  const zombie = await running(1);
  const second = await running(1);
  const told = (attempt: number) => {
    const sent = { ...eventOf(episode, 'ls_files_tool'), event_id: EVENT_ID, step_id: zombie.step.id, attempt };
    return [toNewEvent(sent as ObservabilityEvent, { text: JSON.stringify(sent), exact: true }).event];
  };
  const ended = await end(second.step, second.attempt, { events: told(2) });
  await end(zombie.step, zombie.attempt, { events: told(1) });
  await end(second.step, second.attempt, { events: told(2) });
  const events = await listEvents(database.client.db, { episode_id: episode, after: 0, limit: 10 });
  expect(events).toMatchObject([{ event_id: EVENT_ID, attempt: 2, seq: 1, stream_seq: ended.ended_stream_seq! + 1 }]);
  const again = await running(1, 'run-2');
  expect(await listEvents(database.client.db, { episode_id: episode, after: 0, limit: 10 })).toEqual([]);
  await end(again.step, again.attempt);
  expect(await getEpisode(database.client.db, episode)).toMatchObject({ event_count: 1 });
});

test('ending a step again after a lost acknowledgement changes nothing', async () => {
  const { step, attempt } = await running(1);
  const first = await end(step, attempt);
  const again = await end(step, attempt);
  expect(again).toEqual(first);
  expect((await attemptsOf(1)).map(({ status }) => status)).toEqual(['ok']);
  expect(await getEpisode(database.client.db, episode)).toMatchObject({ step_count: 1, input_tokens: 10, usd: 0.25 });
});

test('a failed attempt closes while its step goes on, and what it used counts', async () => {
  const first = await running(1);
  await failAttempt(database.client.db, {
    ...first,
    error: { code: 'model_failed', message: 'no' },
    usage: USAGE,
    worked_ms: 7,
    retry_ms: null,
  });
  const second = await running(1);
  await end(second.step, second.attempt);
  expect((await attemptsOf(1)).map(({ status }) => status)).toEqual(['error', 'ok']);
  expect(await getEpisode(database.client.db, episode)).toMatchObject({
    input_tokens: 20,
    output_tokens: 10,
    usd: 0.5,
  });
});

test('a new run takes the line over: what others recorded from there on is superseded, running steps are lost', async () => {
  for (const seq of [1, 2]) await running(seq).then(({ step, attempt }) => end(step, attempt));
  await running(3);
  const taken = await running(2, 'run-2');
  await end(taken.step, taken.attempt);
  const all = await listSteps(database.client.db, { episode_id: episode, after: 0, limit: 10, superseded: true });
  expect(all.map(({ seq, run_id, status, superseded_by }) => [seq, run_id, status, superseded_by])).toEqual([
    [1, 'run-1', 'ok', null],
    [2, 'run-1', 'ok', 'run-2'],
    [2, 'run-2', 'ok', null],
    [3, 'run-1', 'lost', 'run-2'],
  ]);
  expect((await getEpisode(database.client.db, episode)).step_count).toBe(2);
});

test('a run that was overtaken begins nothing more', async () => {
  await running(1);
  await running(1, 'run-2');
  await expect(begin(2, 'run-1')).rejects.toMatchObject({ code: 'aborted' });
});

test('a run that was overtaken does not end the episode over the one that goes on', async () => {
  const outcome = { status: 'completed', terminal_reason: 'APPROVED', failure_class: null, failure: null } as const;
  await begin(1, 'run-1');
  await begin(1, 'run-2');
  const late = endEpisode(database.client.db, episode, { ...outcome, run_id: 'run-1' });
  await expect(late).rejects.toMatchObject({ code: 'aborted' });
  expect(await getEpisode(database.client.db, episode)).toMatchObject({ status: 'queued', ended_at: null });
  await endEpisode(database.client.db, episode, { ...outcome, run_id: 'run-2' });
  expect(await getEpisode(database.client.db, episode)).toMatchObject({ status: 'completed' });
});

test('a run that continues as new supersedes nothing', async () => {
  await running(1).then(({ step, attempt }) => end(step, attempt));
  await running(2, 'run-2').then(({ step, attempt }) => end(step, attempt));
  const steps = await listSteps(database.client.db, { episode_id: episode, after: 0, limit: 10 });
  expect(steps.map(({ run_id }) => run_id)).toEqual(['run-1', 'run-2']);
});

test('the database refuses a step that ends without its span', async () => {
  const { step } = await running(1);
  const change = `update steps set status = 'ok', ended_at = now(), ended_stream_seq = 9 where id = $1`;
  await expect(database.client.pool.query(change, [step.id])).rejects.toThrow(/ended without its span/);
});

test('fifty steps begun and ended side by side give every number of the stream once', async () => {
  const begun = await Promise.all(Array.from({ length: 50 }, (_, index) => running(index + 1)));
  await Promise.all(begun.map(({ step, attempt }) => end(step, attempt)));
  const steps = await listSteps(database.client.db, { episode_id: episode, after: 0, limit: 100 });
  const numbers = steps.flatMap(({ started_stream_seq, ended_stream_seq }) => [started_stream_seq, ended_stream_seq]);
  expect(new Set(numbers).size).toBe(100);
  expect(await getEpisode(database.client.db, episode)).toMatchObject({ step_count: 50, last_stream_seq: 100 });
});

test('storing the same log lines twice, as after a lost acknowledgement, stores them once', async () => {
  const { step, attempt } = await running(1);
  const lines = [1, 2].map(
    (line) => ({ line, stream: 'stdout', level: 'info', at: new Date().toISOString(), text: `${line}` }) as const,
  );
  for (const batch of [lines.slice(0, 1), lines, lines])
    await insertLogLines(database.client.db, { episode_id: episode, step_id: step.id, attempt, lines: batch });
  const logs = await listLogs(database.client.db, { episode_id: episode, after: 0, limit: 10 });
  expect(logs.map(({ text }) => text)).toEqual(['1', '2']);
  expect((await getEpisode(database.client.db, episode)).log_line_count).toBe(2);
});

test('the same idempotency key answers the same episode, and refuses another request', async () => {
  const accepted = { request, namespace: 'test', idempotency_key: 'key-1', code_version: null };
  const made = await Promise.all(Array.from({ length: 20 }, () => insertEpisode(database.client.db, accepted)));
  expect(new Set(made.map((one) => one.episode.id)).size).toBe(1);
  expect(made.filter(({ replayed }) => !replayed)).toHaveLength(1);
  const other = insertEpisode(database.client.db, { ...accepted, request: { ...request, task: 'another' } });
  await expect(other).rejects.toMatchObject({ code: 'already_exists' });
});
