/** What people do in an episode, over HTTP on a real database; the workflow's side is seen in test/integration/cli. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { beginEpisode, endEpisode } from '../../../src/db/write/episodes.ts';
import { AppError } from '../../../src/errors.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { createTestApi, READER, seedEpisode, seedStep, sha256Of } from './test-api.ts';
import type { Loose, TestApi } from './test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

const PATHS = ['pause', 'resume', 'messages', 'answers'] as const;
const BODIES = { pause: {}, resume: undefined, messages: { text: 'Hear me' }, answers: { step: 3 } };
const APPROVED = { status: 'completed', terminal_reason: 'APPROVED', failure_class: null, failure: null } as const;

async function seedRunning(): Promise<Episode> {
  const episode = await seedEpisode(api);
  await beginEpisode(api.db, episode.id, 'run-1');
  return episode;
}
type Sent = { body?: unknown; headers?: Record<string, string> };
const send = (id: string, path: (typeof PATHS)[number], { body = BODIES[path], headers = {} }: Sent = {}) =>
  body === undefined
    ? api.call(`/v1/episodes/${id}/${path}`, { method: 'POST', headers })
    : api.post(`/v1/episodes/${id}/${path}`, body, headers);
const saidTo = (id: string) => api.said.filter(({ episode }) => episode === id).map(({ episode: _, ...rest }) => rest);

describe('a person', () => {
  test('pauses, resumes, speaks and answers under the name of the API key', async () => {
    const { id } = await seedRunning();
    const answers = [
      await send(id, 'pause', { body: { reason: 'lunch' } }),
      await send(id, 'pause'),
      await send(id, 'resume'),
      await send(id, 'messages'),
      await send(id, 'answers', { body: { step: 3, approve: false, text: 'no' } }),
      await send(id, 'answers'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202, 202]);
    expect(await answers[0]!.json()).toMatchObject({ id, links: { self: `http://api.test/v1/episodes/${id}` } });
    const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(saidTo(id)).toEqual([
      { what: 'pause', author: 'operator', id: uuid },
      { what: 'pause', author: 'operator', id: uuid },
      { what: 'resume', author: 'operator' },
      { what: 'message', author: 'operator', id: uuid },
      { what: 'answer', author: 'operator', id: uuid, step: 3, approve: false },
      { what: 'answer', author: 'operator', id: uuid, step: 3, approve: true },
    ]);
    // The words are in the record before, under the ids that the workflow hears.
    const written = await api.db
      .selectFrom('person_requests')
      .select(['kind', 'key', 'words'])
      .where('episode_id', '=', id)
      .orderBy('created_at')
      .execute();
    expect(written.map(({ kind, words }) => [kind, words])).toEqual([
      ['pause', 'lunch'],
      ['pause', ''],
      ['message', 'Hear me'],
      ['answer', 'no'],
      ['answer', ''],
    ]);
    expect(saidTo(id).flatMap((one) => one.id ?? [])).toEqual(written.map(({ key }) => key));
  });

  test('is heard once under an Idempotency-Key or a message’s own id, which becomes the update’s', async () => {
    const { id } = await seedRunning();
    const own = randomUUID();
    const headers = { 'idempotency-key': 'said-once' };
    await send(id, 'messages', { body: { text: 'a' }, headers });
    await send(id, 'messages', { body: { text: 'b', id: own }, headers });
    await send(id, 'answers', { body: { step: 1 }, headers });
    expect(saidTo(id).map((one) => one.id)).toEqual(['said-once', own, 'said-once']);
  });

  test.each([
    { path: 'messages', body: { text: 'a' }, other: { text: 'b' } },
    { path: 'answers', body: { step: 1, text: 'a' }, other: { step: 1, text: 'b' } },
    { path: 'answers', body: { step: 1 }, other: { step: 1, approve: false } },
  ] as const)(
    'who says something else in $path under a key that was used is refused, and not heard',
    async ({ path, body, other }) => {
      const { id } = await seedRunning();
      const headers = { 'idempotency-key': 'used' };
      const answers = [];
      for (const one of [body, other, body]) answers.push(await send(id, path, { body: one, headers }));
      expect(answers.map(({ status }) => status)).toEqual([202, 409, 202]);
      expect(((await answers[1]!.json()) as Loose).type).toBe('urn:observatory:problem:already_exists');
      const { text: _, ...heard } = { text: '', ...body };
      expect(saidTo(id)).toEqual([expect.objectContaining(heard), expect.objectContaining(heard)]);
      expect((await send((await seedRunning()).id, path, { body: other, headers })).status).toBe(202);
    },
  );

  test('is told that it was taken when it is sent again after the step was recorded, or the episode has ended', async () => {
    const episode = await seedRunning();
    const headers = { 'idempotency-key': 'again' };
    await send(episode.id, 'messages', { headers });
    await send(episode.id, 'answers', { body: { step: 2 }, headers });
    await seedStep(api, episode, { seq: 1, step_key: 'message:again', kind: 'human' });
    await seedStep(api, episode, { seq: 2, kind: 'human' });
    await endEpisode(api.db, episode.id, APPROVED);
    expect((await send(episode.id, 'messages', { headers })).status).toBe(202);
    expect((await send(episode.id, 'answers', { body: { step: 2 }, headers })).status).toBe(202);
    expect(saidTo(episode.id)).toHaveLength(2);
  });

  test.each(PATHS)('cannot %s one that has ended, is not there, or with a reader’s key', async (path) => {
    const ended = await seedRunning();
    await endEpisode(api.db, ended.id, APPROVED);
    expect((await send(ended.id, path)).status).toBe(409);
    expect((await send(randomUUID(), path)).status).toBe(404);
    const { id } = await seedRunning();
    const asReader = await api.call(`/v1/episodes/${id}/${path}`, { method: 'POST', key: READER });
    expect(asReader.status).toBe(403);
    expect([...saidTo(ended.id), ...saidTo(id)]).toEqual([]);
  });

  test('has an episode started that was only accepted: before that nobody hears', async () => {
    const { id } = await seedEpisode(api);
    expect((await send(id, 'messages')).status).toBe(202);
    expect(api.started).toContain(id);
  });

  test.each([
    { what: 'no text', path: 'messages', body: {}, pointer: '/text' },
    { what: 'an empty text', path: 'messages', body: { text: '' }, pointer: '/text' },
    { what: 'too long a text', path: 'messages', body: { text: 'x'.repeat(4_001) }, pointer: '/text' },
    { what: 'an id that is none', path: 'messages', body: { text: 'x', id: '7' }, pointer: '/id' },
    { what: 'a step that is none', path: 'answers', body: { step: 0 }, pointer: '/step' },
    { what: 'too long an answer', path: 'answers', body: { step: 1, text: 'x'.repeat(4_001) }, pointer: '/text' },
    { what: 'a member that is not known', path: 'pause', body: { why: 'x' }, pointer: '/why' },
  ] as const)('is told which member is wrong: $what', async ({ path, body, pointer }) => {
    const { id } = await seedRunning();
    const answer = await send(id, path, { body });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as Loose).errors[0]).toMatchObject({ in: 'body', pointer });
  });

  test('is told in the workflow’s words that nothing waits, and that Temporal is away, never in a driver’s', async () => {
    await using refusing = await createTestApi({
      answerStep: async () => {
        throw new AppError('failed_precondition', 'step 3 waits for no answer');
      },
      pauseEpisode: async () => {
        throw new AppError('unavailable', 'Temporal does not answer', { cause: new Error('no 10.0.0.1') });
      },
      resumeEpisode: async () => {
        throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:7233'), { code: 'ECONNREFUSED' });
      },
    });
    const { id } = await seedEpisode(refusing);
    await beginEpisode(refusing.db, id, 'run-1');
    const answer = await refusing.post(`/v1/episodes/${id}/answers`, { step: 3 });
    expect(answer.status).toBe(409);
    expect(((await answer.json()) as Loose).detail).toBe('step 3 waits for no answer');
    const away = await refusing.post(`/v1/episodes/${id}/pause`, {});
    expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5']);
    const told = (await away.json()) as Loose;
    expect(told.detail).toBe('Temporal does not answer');
    const refused = await refusing.post(`/v1/episodes/${id}/resume`, {});
    expect(refused.status).toBe(503);
    for (const text of [JSON.stringify(told), await refused.text()]) expect(text).not.toContain('10.0.0.1');
  });
});

describe('an episode is started', () => {
  test('with the approvals that it is asked to wait for, which it answers again', async () => {
    const approvals = { execute_command: 'ask', write_file: 'never' };
    const answer = await api.post('/v1/episodes', { task: 'x', approvals });
    expect(answer.status).toBe(202);
    const { id } = (await answer.json()) as Loose;
    expect((await api.get(`/v1/episodes/${id}`)).approvals).toEqual(approvals);
    const wrong = await api.post('/v1/episodes', { task: 'x', approvals: { execute_command: 'perhaps' } });
    expect(((await wrong.json()) as Loose).errors[0].pointer).toBe('/approvals/execute_command');
  });

  test('only when every input has a path of its own; the members that repeat one are named', async () => {
    const sha256 = sha256Of('twice');
    await api.call(`/v1/artifacts/${sha256}`, { method: 'PUT', body: 'twice' });
    const inputs = ['/a', '/b', '/a', '/a'].map((path) => ({ path, sha256 }));
    const answer = await api.post('/v1/episodes', { task: 'x', inputs });
    expect(answer.status).toBe(409);
    expect(((await answer.json()) as Loose).errors).toEqual(
      [2, 3].map((at) => ({
        in: 'body',
        pointer: `/inputs/${at}/path`,
        code: 'duplicate',
        message: 'is the path of input 0 too',
      })),
    );
    expect((await api.post('/v1/episodes', { task: 'x', inputs: inputs.slice(0, 2) })).status).toBe(202);
  });
});

describe('the catalogue', () => {
  test('shows agents whose roles name only tools that it describes with their schema, models and scripts', async () => {
    const { agents, tools, models, scripts } = await api.get('/v1/agents');
    const names = new Set(tools.map(({ name }: Loose) => name));
    const used = agents.flatMap(({ roles }: Loose) => roles.flatMap((role: Loose) => role.tools));
    expect(used.length).toBeGreaterThan(20);
    expect(used.filter((name: string) => !names.has(name))).toEqual([]);
    expect(tools.find(({ name }: Loose) => name === 'read_file')).toMatchObject({
      read_only: true,
      kind: 'tool_call',
      input: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
    });
    expect(models.map(({ name }: Loose) => name)).toEqual(['scripted', 'scripted:transcript']);
    expect(scripts.map(({ name }: Loose) => name)).toContain('sideways-transfer');
  });

  test('shows the schedules that Temporal has, to readers too', async () => {
    const schedule = { id: 's', present: true, paused: false, note: 'n', next_at: null, last_at: null };
    await using other = await createTestApi({ listSchedules: async () => [schedule] });
    const answer = await other.call('/v1/schedules', { key: READER });
    expect([answer.status, await answer.json()]).toEqual([200, { items: [schedule] }]);
  });
});
