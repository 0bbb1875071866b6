/**
 * The command line against the API over HTTP, on a real database and object store. What a workflow would do is done by the
 * functions that record steps, as soon as the API asks for the episode's start.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insertCoverage } from '../../../src/db/write/coverage.ts';
import { beginEpisode, endEpisode } from '../../../src/db/write/episodes.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { createTestApi, OPERATOR, READER, seedStep, sha256Of } from './test-api.ts';
import type { TestApi } from './test-api.ts';

const MAIN = join(import.meta.dirname, '../../../src/cli/main.ts');
const STEPS = 120;

let api: TestApi;
let server: ReturnType<typeof serve>;
let url: string;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'observatory-cli-'));
  api = await createTestApi({
    startEpisode: async (episode) => {
      await beginEpisode(api.db, episode.id, 'run-1');
      void perform(episode);
    },
  });
  server = serve({ fetch: api.app.fetch, port: 0, hostname: '127.0.0.1' });
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await api[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

/** Records an episode that has begun to its end; one whose task is to wait goes on until it is cancelled, which nobody does here. */
async function perform(episode: Episode): Promise<void> {
  if (episode.task === 'Wait') return;
  for (let seq = 1; seq <= (episode.task === 'Long' ? STEPS : 2); seq++)
    await seedStep(api, episode, { seq, files: [{ path: `/out/${seq}.txt`, content: `file ${seq}` }] });
  const approved = episode.task !== 'Fail' && episode.tags[0] !== 'fail';
  await endEpisode(api.db, episode.id, {
    status: approved ? 'completed' : 'failed',
    terminal_reason: approved ? 'APPROVED' : 'INTERNAL_ERROR',
    failure_class: null,
    failure: null,
  });
  const asked = { asked: true, items: 3, reason: null };
  const none = { missing: 0, doubled: 0, orphaned: 0, wrongly_typed: 0, damaged: 0 };
  await insertCoverage(api.db, {
    episode_id: episode.id,
    verdict: approved ? 'complete' : 'incomplete',
    witnesses: { history: asked, steps: asked, langfuse: asked, objects: asked },
    counts: { expected: 3, confirmed: 3, ...none },
    finding_count: 0,
    findings: [],
  });
}

const environment = (key = OPERATOR) => ({
  PATH: process.env['PATH'],
  OBSERVATORY_URL: url,
  OBSERVATORY_API_KEY: key,
});

function run(args: string[], key?: string): Promise<{ code: number; out: string; err: string }> {
  return new Promise((settle) => {
    execFile(process.execPath, [MAIN, ...args], { env: environment(key) }, (error, out, err) => {
      settle({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

describe('an episode', () => {
  test('is started with its input files and budgets, once under its key', async () => {
    const file = join(dir, 'benchmark.yaml');
    await writeFile(file, 'goal: 1\n');
    const args = [
      'episodes',
      'start',
      '--task',
      'Wait',
      '--input',
      `/benchmark.yaml=${file}`,
      '--tag',
      'a',
      '--tag',
      'b',
    ];
    const more = ['--seed', '7', '--budget-steps', '9', '--idempotency-key', 'cli-once', '--json'];
    const first = await run([...args, ...more]);
    expect(first.code).toBe(0);
    const episode = JSON.parse(first.out);
    expect(episode).toMatchObject({
      task: 'Wait',
      tags: ['a', 'b'],
      seed: 7,
      budgets: { steps: 9, usd: 50 },
      inputs: [{ path: '/benchmark.yaml', sha256: sha256Of('goal: 1\n') }],
    });
    expect(JSON.parse((await run([...args, ...more])).out).id).toBe(episode.id);
  });

  test('is watched step by step to its end', async () => {
    const { code, out } = await run(['episodes', 'start', '--task', 'Long', '--watch']);
    expect(code).toBe(0);
    const told = [...out.matchAll(/^ *(\d+) {2}thought/gm)].map(([, seq]) => Number(seq));
    expect(told).toEqual(Array.from({ length: STEPS }, (_, index) => index + 1));
    expect(out).toMatch(/Status: +completed \(APPROVED\)/);
  });

  test('that fails under watch exits 1, its JSON alone on standard output', async () => {
    const { code, out, err } = await run(['episodes', 'start', '--task', 'Fail', '--watch', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ status: 'failed', step_count: 2 });
    expect(err).toMatch(/^ *1 {2}thought/m);
  });

  test('is left running by Ctrl-C, which is said', async () => {
    const child = spawn(process.execPath, [MAIN, 'episodes', 'start', '--task', 'Wait', '--watch'], {
      env: environment(),
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      // Its first words say that it watches.
      if (out === '') child.kill('SIGINT');
      out += chunk.toString();
    });
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(1);
    const id = /Episode ([0-9a-f-]{36})/.exec(out)?.[1];
    expect(out).toContain(`observatory episodes cancel ${id}`);
    expect(await api.get(`/v1/episodes/${id}`)).toMatchObject({ status: 'running' });
    expect(api.cancelled).not.toContain(id);
  });

  test('is listed, shown, read and cancelled', async () => {
    const { id } = JSON.parse((await run(['episodes', 'start', '--task', 'Short', '--watch', '--json'])).out);
    const list = await run(['episodes', 'list', '--status', 'completed', '--limit', '100']);
    expect(list.out).toMatch(new RegExp(`^${id}  completed  APPROVED +2  `, 'm'));
    const show = await run(['episodes', 'show', id]);
    expect(show.out).toMatch(/^ +2 {2}thought .* \/out\/2\.txt$/m);
    expect(JSON.parse((await run(['episodes', 'show', id, '--json'])).out).steps).toHaveLength(2);
    const logs = await run(['episodes', 'logs', id, '--follow', '--stream', 'stdout']);
    expect(logs.out).toBe('     1  stdout  line 1 of step 1\n     2  stdout  line 1 of step 2\n');
    expect(JSON.parse((await run(['episodes', 'logs', id, '--step', '2', '--json'])).out).items).toHaveLength(2);

    const ended = await run(['episodes', 'cancel', id]);
    expect(ended).toMatchObject({ code: 1, err: 'observatory: The episode has ended already.\n' });
    const waiting = JSON.parse((await run(['episodes', 'start', '--task', 'Wait', '--json'])).out);
    expect((await run(['episodes', 'cancel', waiting.id])).code).toBe(0);
    expect(api.cancelled).toContain(waiting.id);
  });

  test('that is not there, a status that is none and a key that may not are told in the API’s words', async () => {
    const absent = await run(['episodes', 'show', '00000000-0000-7000-8000-000000000000']);
    expect(absent).toMatchObject({ code: 1, out: '' });
    expect(absent.err).toContain('no episode');
    expect((await run(['episodes', 'list', '--status', 'nonsense'])).err).toContain('query /status');
    expect((await run(['episodes', 'start', '--task', 'x'], READER)).err).toContain('may only read');
  });
});

describe('coverage', () => {
  test('of what ended lately is listed, with exit code 1 unless all of it is complete', async () => {
    const { code, out } = await run(['coverage', '--since', '1h', '--json']);
    const { episodes, incomplete, items } = JSON.parse(out) as {
      [key: string]: { verdict: string; episode_id: string }[];
    };
    expect({ code, episodes, incomplete }).toEqual({ code: 1, episodes: items?.length, incomplete: 1 });
    const complete = items?.find(({ verdict }) => verdict === 'complete');
    const one = await run(['coverage', complete?.episode_id ?? '', '--json']);
    expect(one.code).toBe(0);
    expect(JSON.parse(one.out)).toMatchObject({ verdict: 'complete', counts: { expected: 3 } });
  });

  test('takes an episode or a time, and times only as it writes them', async () => {
    expect((await run(['coverage', '--since', 'yesterday'])).code).toBe(2);
    const both = await run(['coverage', '019c0000-0000-7000-8000-000000000001', '--since', '1d']);
    expect(both).toMatchObject({ code: 2, err: expect.stringContaining('not both') });
  });
});

describe('the demo', () => {
  test('prints one JSON object and exits 0 when the episode was approved and all of it is on record', async () => {
    const { code, out, err } = await run(['demo', '--json']);
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining('Demo episode') });
    expect(JSON.parse(out)).toMatchObject({
      status: 'completed',
      terminal_reason: 'APPROVED',
      steps: 2,
      attempts: 2,
      artifacts: 2,
      log_lines: 4,
      workflow_id: expect.stringMatching(/^episode-/),
      coverage: { verdict: 'complete', expected: 3, confirmed: 3, missing: 0, doubled: 0, orphaned: 0 },
      links: { self: expect.stringContaining('/v1/episodes/') },
    });
  });

  test('is left out when there are episodes and it is only wanted if there are none', async () => {
    const { code, out } = await run(['demo', '--if-none', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ skipped: 'There are episodes already.' });
  });

  test('fails when a file of a step is gone', async () => {
    // As retention would mark it: the row of the second step's file.
    await using other = await createTestApi({
      startEpisode: async (episode) => {
        await seedStep(other, episode, { seq: 1, files: [{ path: '/out/lost.txt', content: 'lost' }] });
        await other.db
          .updateTable('artifacts')
          .set({ deleted_at: new Date().toISOString() })
          .where('sha256', '=', sha256Of('lost'))
          .execute();
        const end = { status: 'completed', terminal_reason: 'APPROVED', failure_class: null, failure: null } as const;
        await endEpisode(other.db, episode.id, end);
      },
    });
    const own = serve({ fetch: other.app.fetch, port: 0, hostname: '127.0.0.1' });
    await once(own, 'listening');
    const env = { ...environment(), OBSERVATORY_URL: `http://127.0.0.1:${(own.address() as AddressInfo).port}` };
    const outcome = await new Promise<{ code: unknown; out: string }>((settle) => {
      execFile(process.execPath, [MAIN, 'demo'], { env }, (error, out) => settle({ code: error?.code ?? 0, out }));
    });
    own.close();
    expect(outcome.code).toBe(1);
    expect(outcome.out).toContain('NOT on record: /out/lost.txt of step 1');
  });
});

test('an upload of many megabytes streams through, and comes back the same', async () => {
  const content = Buffer.alloc(24 * 1024 ** 2, 'abcdefghijklmnopqrstuvwxyz0123456789');
  const headers = { authorization: `Bearer ${OPERATOR}` };
  const put = await fetch(`${url}/v1/artifacts/${sha256Of(content)}`, {
    method: 'PUT',
    headers,
    body: new Blob([content]).stream(),
    duplex: 'half',
  });
  expect([200, 201]).toContain(put.status);
  const got = await fetch(`${url}/v1/artifacts/${sha256Of(content)}/content`, { headers });
  expect(Buffer.from(await got.arrayBuffer()).equals(content)).toBe(true);
  const head = await fetch(`${url}/v1/artifacts/${sha256Of(content)}/content`, { method: 'HEAD', headers });
  expect(head.headers.get('content-length')).toBe(String(content.length));
});
