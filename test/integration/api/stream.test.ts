// Goal: a client of an episode's stream gets each frame once, in order, whatever breaks and whichever process answers.
// Method: real API processes over one database, a writer that records as workers do, and a client that comes and goes.
import { bodyOf, createClient } from 'problemologist-observatory/client';
import { followStream } from 'problemologist-observatory/client/stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mulberry32 } from '../../../src/simulation/spawn.ts';
import { beginEpisode, endEpisode, setEpisodeStatus } from '../../../src/db/write/episodes.ts';
import type { EpisodeOutcome } from '../../../src/schemas/turn.ts';
import { toStreamId } from '../../../src/schemas/stream.ts';
import { createDeployment } from '../../support/deployment.ts';
import { eventOf } from '../../support/events.ts';
import { startApi } from '../../support/api-process.ts';
import { createTestApi, OPERATOR, seedEpisode, seedStep } from './test-api.ts';
import type { Loose, TestApi } from './test-api.ts';

const APPROVED: EpisodeOutcome = {
  status: 'completed',
  terminal_reason: 'APPROVED',
  failure_class: null,
  failure: null,
};

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

type Event = { id?: string; event?: string; data?: Loose };

/** Events of an answer as they arrive; what is no event (a heartbeat) comes as an id alone. */
async function* eventsOf(answer: Response): AsyncGenerator<Event> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of answer.body!) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));
      yield { ...fields, ...(fields['data'] && { data: JSON.parse(fields['data']) }) };
    }
  }
}

const open = (id: string, headers: Record<string, string> = {}, from: TestApi = api) =>
  from.call(`/v1/episodes/${id}/stream`, { headers });

/** Where every frame of the episode must stand, as the tables have it. */
async function placesOf({ db }: Pick<TestApi, 'db'>, id: string): Promise<[number, string][]> {
  const steps = await db.selectFrom('steps').selectAll().where('episode_id', '=', id).execute();
  const lines = await db.selectFrom('execution_logs').select('stream_seq').where('episode_id', '=', id).execute();
  const events = await db.selectFrom('events').select('stream_seq').where('episode_id', '=', id).execute();
  const statuses = await db.selectFrom('episode_statuses').selectAll().where('episode_id', '=', id).execute();
  return [
    ...steps.map((step): [number, string] => [step.started_stream_seq, 'step_started']),
    ...steps.map((step): [number, string] => [step.ended_stream_seq!, 'step_ended']),
    ...lines.map(({ stream_seq }): [number, string] => [stream_seq, 'log']),
    ...events.map(({ stream_seq }): [number, string] => [stream_seq, 'event']),
    ...statuses.map(({ stream_seq }): [number, string] => [stream_seq, 'status']),
  ].toSorted(([one], [other]) => one - other);
}

test('an ended episode is told from its beginning to its end, and then there is nothing to come back for', async () => {
  const episode = await seedEpisode(api);
  await beginEpisode(api.db, episode.id, 'run-1');
  await seedStep(api, episode, { seq: 1, files: [{ path: '/a.txt', content: 'a' }] });
  const reported = eventOf(episode.id, 'simulation_result');
  await api.post(`/v1/episodes/${episode.id}/events`, { events: [reported] });
  await endEpisode(api.db, episode.id, APPROVED);
  const answer = await open(episode.id);
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  const events = await Array.fromAsync(eventsOf(answer));
  const frames = events.filter(({ data }) => data);
  expect(frames.map(({ id, event, data }) => [id, event, data.type, data.stream_seq])).toEqual(
    (await placesOf(api, episode.id)).map(([place, type]) => [
      toStreamId({ epoch: 0, stream_seq: place }),
      type,
      type,
      place,
    ]),
  );
  expect(frames.map(({ data }) => data.status).filter(Boolean)).toEqual(['queued', 'running', 'completed']);
  expect(frames.find(({ event }) => event === 'event')!.data.event).toMatchObject({ payload: reported.payload });
  expect(frames.find(({ event }) => event === 'step_started')!.data.step).not.toHaveProperty('output');
  expect(frames.find(({ event }) => event === 'step_ended')!.data.step).toMatchObject({
    output: { text: 'done' },
    artifacts: [{ path: '/a.txt', href: expect.stringMatching(/^\/v1\/artifacts\//) }],
  });
  expect((await open(episode.id, { 'last-event-id': events.at(-1)!.id! })).status).toBe(204);
});

test('places of another epoch, of no episode and of no form are refused', async () => {
  const { id } = await seedEpisode(api);
  expect((await open(id, { 'last-event-id': '0000000700000000000001' })).status).toBe(409);
  expect((await open(id, { 'last-event-id': '1' })).status).toBe(400);
  expect((await open('00000000-0000-7000-8000-000000000000')).status).toBe(404);
});

test('a stream that nothing wakes looks for itself and says that it lives', async () => {
  await using deaf = await createTestApi({ watchEpisode: () => () => {}, stream_heartbeat_ms: 20 });
  const episode = await seedEpisode(deaf);
  const events = eventsOf(await open(episode.id, {}, deaf));
  const heard: Event[] = [];
  const next = async () => heard.push((await events.next()).value as Event);
  for (let n = 0; n < 4; n++) await next();
  const first = toStreamId({ epoch: 0, stream_seq: 0 });
  expect(heard.map(({ id }) => id)).toEqual([undefined, first, first, first]);
  await endEpisode(deaf.db, episode.id, APPROVED);
  while (heard.at(-1)!.data?.status !== 'completed') await next();
  await Array.fromAsync(events);
});

test('a client that leaves, a process that stops and a restored database end a stream', async () => {
  const stopping = new AbortController();
  let watching = 0;
  const watchEpisode = () => {
    watching += 1;
    return () => void (watching -= 1);
  };
  await using other = await createTestApi({ stopping: stopping.signal, watchEpisode, stream_heartbeat_ms: 20 });
  const { id } = await seedEpisode(other);
  const left = eventsOf(await open(id, {}, other));
  await left.next();
  expect(watching).toBe(1);
  await left.return(undefined);
  expect(watching).toBe(0);
  const restored = eventsOf(await open(id, {}, other));
  await restored.next();
  await other.database.client.pool.query('update deployment set restore_epoch = 1');
  await Array.fromAsync(restored);
  await using short = await createTestApi({ stream_ms_max: 20, watchEpisode: () => () => {} });
  const timed = await Array.fromAsync(eventsOf(await open((await seedEpisode(short)).id, {}, short)));
  expect(timed.map(({ data }) => data?.status)).toEqual([undefined, 'queued']);
  const stopped = eventsOf(await open(id, {}, other));
  await stopped.next();
  stopping.abort();
  await Array.fromAsync(stopped);
  expect(watching).toBe(0);
});

test('over two API processes, a client that comes back 100 times at random sees each frame once, in order', async () => {
  await using deployment = await createDeployment();
  await using one = await startApi(deployment);
  await using two = await startApi(deployment);
  const { db } = deployment.database;
  const record = { ...api, db, store: deployment.store };
  const episode = await seedEpisode(record);
  const random = mulberry32(20_260_101);
  const STEPS = 60;
  const write = async () => {
    await beginEpisode(db, episode.id, 'run-1');
    for (let seq = 1; seq <= STEPS; seq++) {
      if (seq % 10 === 0) {
        await setEpisodeStatus(db, episode.id, 'waiting');
        await setEpisodeStatus(db, episode.id, 'running');
      }
      await seedStep(record, episode, { seq });
    }
    await endEpisode(db, episode.id, APPROVED);
  };
  const writing = write();

  const seen: [number, string][] = [];
  let last: string | undefined;
  let status = 200;
  let visits = 0;
  for (; status === 200; visits++) {
    const process = random() < 0.5 ? one : two;
    const answer = await fetch(`${process.env['OBSERVATORY_URL']}/v1/episodes/${episode.id}/stream`, {
      headers: {
        authorization: `Bearer ${process.env['OBSERVATORY_API_KEY']}`,
        ...(last !== undefined && { 'last-event-id': last }),
      },
    });
    status = answer.status;
    if (status !== 200) break;
    // A hundred short visits; then to the end.
    let wanted = visits < 100 ? 1 + Math.floor(random() * 2) : Infinity;
    for await (const { id, data } of eventsOf(answer)) {
      last = id ?? last;
      if (data) seen.push([data.stream_seq, data.type]);
      if (data && --wanted === 0) break;
    }
  }
  await writing;
  expect(status).toBe(204);
  expect(visits).toBeGreaterThan(100);
  const places = await placesOf({ db }, episode.id);
  expect(places.length).toBeGreaterThan(4 * STEPS);
  expect(seen).toEqual(places);

  const client = createClient({ url: one.env['OBSERVATORY_URL']!, key: one.env['OBSERVATORY_API_KEY'] ?? OPERATOR });
  // As programs of others use it: typed by the API's own routes.
  const { items } = await bodyOf(client.v1.episodes.$get({ query: { status: 'completed', outcome: 'APPROVED' } }));
  expect(items.map(({ id, step_count }) => [id, step_count])).toEqual([[episode.id, STEPS]]);
  const missing = client.v1.episodes[':id'].$get({ param: { id: '00000000-0000-7000-8000-000000000000' } });
  await expect(bodyOf(missing)).rejects.toMatchObject({ code: 'not_found' });
  const frames = await Array.fromAsync(followStream(client, episode.id, { signal: new AbortController().signal }));
  expect(frames.map(({ stream_seq, type }) => [stream_seq, type])).toEqual(places);
});
