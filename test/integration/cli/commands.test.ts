/**
 * The command line over a whole deployment: real API and worker processes, database, object store and Temporal. Scripted
 * models stand in for the language model alone.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment, Line } from '../../support/deployment.ts';
import { expectTrueRecord, stepsOf, untilRow } from '../../support/record.ts';
import { observatory, ROOT, startApi } from '../../support/api-process.ts';
import type { ApiProcess } from '../../support/api-process.ts';

/** A JSON answer as the tests look at it: what it must be, they expect. */
// oxlint-disable-next-line typescript/no-explicit-any
type Loose = any;

let deployment: Deployment;
let api: ApiProcess;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'observatory-cli-'));
  deployment = await createDeployment();
  await deployment.startWorker();
  api = await startApi(deployment);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await deployment[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const REVIEW = call('write_file', { path: '/review.md', content: 'checked' });
const FINISH = call('finish', { decision: 'APPROVED', reason: 'it is done', review_path: '/review.md' });

/** Starts an episode in which one engineer says these lines; returns its id. */
async function start(lines: Line[], ...more: string[]): Promise<string> {
  const file = join(dir, 'transcript.json');
  await writeFile(file, JSON.stringify({ lines: { engineer: lines.map((line) => ({ text: '', ...line })) } }));
  const args = ['episodes', 'start', '--task', 'x', '--agent', 'single_engineer', '--transcript', file, '--json'];
  const { code, out, err } = await api.run([...args, ...more]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out).id;
}

const untilStatus = (id: string, status: string) =>
  untilRow(deployment, async () => {
    const row = await deployment.database.db
      .selectFrom('episodes')
      .select('status')
      .where('id', '=', id)
      .executeTakeFirst();
    return row?.status === status ? row : undefined;
  });

const tailed = async (id: string): Promise<Loose[]> => {
  const { code, out, err } = await api.run(['episodes', 'tail', id, '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
};

describe('people', () => {
  test('approve and decline calls, and what they say is on record with their name', async () => {
    const id = await start(
      [{ calls: [REVIEW] }, { calls: [REVIEW] }, { calls: [FINISH] }],
      '--approval',
      'write_file=ask',
    );
    await untilStatus(id, 'waiting');
    const [waiting] = (await stepsOf(deployment, id)).filter(({ status }) => status === 'running');
    const wrong = await api.run(['episodes', 'answer', id, '--step', '99']);
    expect(wrong).toMatchObject({ code: 1, err: 'observatory: step 99 waits for no answer\n' });
    const declined = await api.run(['episodes', 'answer', id, '--step', String(waiting!.seq), '--decline', 'Not yet.']);
    expect(declined).toMatchObject({ code: 0, out: `Episode ${id} has the answer to step ${waiting!.seq}.\n` });
    await untilRow(deployment, async () => {
      const steps = await stepsOf(deployment, id);
      return steps.find(({ name, status, seq }) => name === 'approval' && status === 'running' && seq > waiting!.seq);
    });
    expect((await api.run(['episodes', 'approve', id, 'Now.', '--json'])).code).toBe(0);
    await untilStatus(id, 'completed');
    const steps = (await stepsOf(deployment, id)).filter(({ kind, name }) => kind === 'human' || name === 'write_file');
    expect(steps.map(({ name, status, output }) => [name, status, (output as Loose).content])).toEqual([
      ['approval', 'error', 'Not yet.'],
      ['write_file', 'error', expect.stringContaining('Not yet.')],
      ['approval', 'ok', 'Now.'],
      ['write_file', 'ok', expect.stringContaining('wrote /review.md')],
    ]);
    expect(steps[0]!.output).toMatchObject({ result: { author: 'Ada' } });
    const late = await api.run(['episodes', 'approve', id]);
    expect(late).toMatchObject({ code: 1, err: 'observatory: No step waits for an answer.\n' });
    await expectTrueRecord(deployment, id);
  });

  test('pause an episode, speak to it and let it go on', async () => {
    const id = await start([{ calls: [REVIEW] }, { calls: [FINISH] }], '--approval', 'write_file=ask');
    await untilStatus(id, 'waiting');
    expect((await api.run(['episodes', 'pause', id, '--reason', 'lunch'])).out).toBe(
      `Episode ${id} is asked to pause.\n`,
    );
    expect((await api.run(['episodes', 'say', id, 'The tray stays.'])).code).toBe(0);
    expect((await api.run(['episodes', 'approve', id])).code).toBe(0);
    await untilStatus(id, 'paused');
    expect((await api.run(['episodes', 'resume', id])).out).toBe(`Episode ${id} is asked to go on.\n`);
    await untilStatus(id, 'completed');
    const said = (await stepsOf(deployment, id)).filter(({ kind }) => kind === 'human');
    expect(said.map(({ name, output }) => [name, output])).toMatchObject([
      ['approval', { result: { author: 'Ada' } }],
      ['message', { content: 'The tray stays.', result: { author: 'Ada' } }],
      ['pause', {}],
    ]);
    expect(said[2]!.input).toEqual({ author: 'Ada', text: 'lunch' });
    const after = await api.run(['episodes', 'say', id, 'too late']);
    expect(after).toMatchObject({ code: 1, err: 'observatory: The episode has ended already.\n' });
  });
});

describe('tail', () => {
  const LINES = 250;
  const PRINT = call('execute_command', { command: `for i in $(seq 1 ${LINES}); do echo "line $i"; done` });

  test('tells every step and log line once, in the order of the stream, and ends with the episode', async () => {
    const id = await start([{ text: 'I count.', calls: [PRINT] }, { calls: [REVIEW] }, { calls: [FINISH] }]);
    const events = await tailed(id);
    const places = events.map(({ stream_seq }) => stream_seq);
    expect(places).toEqual(places.toSorted((one, other) => one - other));
    expect(new Set(places.slice(0, -1)).size).toBe(places.length - 1);
    const ended = events.at(-1);
    expect(ended).toMatchObject({ type: 'episode_ended', episode: { id, status: 'completed' } });
    const count = (type: string) => events.filter((event) => event.type === type).length;
    const steps = await stepsOf(deployment, id);
    expect([count('step_started'), count('step_ended'), count('log'), count('event')]).toEqual([
      steps.length,
      steps.length,
      ended.episode.log_line_count,
      ended.episode.event_count,
    ]);
    const inCommand = events.filter(({ type, stream }) => type === 'log' && stream === 'stdout');
    expect(inCommand.map(({ text }) => text)).toEqual(Array.from({ length: LINES }, (_, at) => `line ${at + 1}`));
    const { seq } = inCommand[0];
    const around = events.filter((event) => (event.step?.seq ?? event.seq) === seq).map(({ type }) => type);
    expect([around[0], around.at(-1)]).toEqual(['step_started', 'step_ended']);
    expect(around.filter((type: string) => type === 'log').length).toBeGreaterThanOrEqual(LINES);
    const ran = await api.run(['episodes', 'events', id, '--type', 'run_command_tool', '--json']);
    expect(JSON.parse(ran.out).items).toMatchObject([{ seq, payload: PRINT.args, agent: 'engineer' }]);
    const all = await api.run(['episodes', 'events', id]);
    expect(all.out.trimEnd().split('\n')).toHaveLength(ended.episode.event_count);
    const text = await api.run(['episodes', 'tail', id]);
    expect(text.out).toMatch(/^ +2 {2}tool_call .* begins$/m);
    expect(text.out).toMatch(/^ +2 {2}stdout +line 1$/m);
    expect(text.out).toMatch(/Status: +completed \(APPROVED\)\n/);
  });

  test('follows an episode that goes on, and Ctrl-C leaves that running', async () => {
    const id = await start([{ calls: [REVIEW] }, { calls: [FINISH] }], '--approval', 'finish=ask');
    const child = spawn(process.execPath, [join(ROOT, 'src/cli/main.ts'), 'episodes', 'tail', id, '--json'], {
      env: { PATH: process.env['PATH'], ...api.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    for await (const line of createInterface(child.stdout)) {
      const event = JSON.parse(line);
      if (event.type === 'step_started' && event.step.name === 'approval') child.kill('SIGINT');
    }
    expect(await ended).toBe(1);
    const { out } = await api.run(['episodes', 'show', id, '--json']);
    expect(JSON.parse(out).status).toBe('waiting');
    expect((await api.run(['episodes', 'approve', id])).code).toBe(0);
    expect((await tailed(id)).at(-1)).toMatchObject({ episode: { status: 'completed' } });
  });
});

describe('start', () => {
  test('refuses a transcript that is malformed and a tool that is none, in words that help', async () => {
    const file = join(dir, 'wrong.json');
    const args = ['episodes', 'start', '--task', 'x', '--transcript', file];
    await writeFile(file, '{');
    expect((await api.run(args)).err).toBe(`observatory: The transcript ${file} is malformed: it is not JSON.\n`);
    await writeFile(file, JSON.stringify({ lines: { engineer: [{ calls: [] }] } }));
    expect((await api.run(args)).err).toContain('/lines/engineer/0/text: ');
    const slip = await api.run(['episodes', 'start', '--task', 'x', '--model', 'scripted', '--approval', 'exec=ask']);
    expect(slip.code).toBe(1);
    expect(slip.err).toContain('execute_command');
  });
});

describe('keys', () => {
  test('are made, listed without themselves, and revoked at once', async () => {
    const made = await observatory(['keys', 'create', '--name', 'Robin'], deployment.env);
    expect(made.out).toMatch(/^obs_[\w-]{43}\n$/);
    const key = made.out.trim();
    const id = /keys revoke ([0-9a-f-]{36})/.exec(made.err)?.[1];
    const asRobin = (args: string[]) => api.run(args, { OBSERVATORY_API_KEY: key });
    expect((await asRobin(['episodes', 'list'])).code).toBe(0);
    expect((await asRobin(['episodes', 'start', '--task', 'x'])).err).toContain('may only read');

    const list = await observatory(['keys', 'list', '--json'], deployment.env);
    expect(JSON.parse(list.out).items[0]).toMatchObject({ id, name: 'Robin', role: 'reader', revoked_at: null });
    expect(list.out).not.toContain(key);
    expect((await observatory(['keys', 'list'], deployment.env)).out).toMatch(
      new RegExp(`^${id}  reader .* Robin$`, 'm'),
    );

    expect((await observatory(['keys', 'revoke', id!], deployment.env)).out).toBe(`Key ${id} (Robin) is revoked.\n`);
    expect((await asRobin(['episodes', 'list'])).err).toContain('revoked');
    const first = JSON.parse((await observatory(['keys', 'revoke', id!, '--json'], deployment.env)).out);
    const again = JSON.parse((await observatory(['keys', 'revoke', id!, '--json'], deployment.env)).out);
    expect(again.revoked_at).toBe(first.revoked_at);
    const none = await observatory(['keys', 'revoke', '0198c0de-7000-7000-8000-000000000000'], deployment.env);
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining('keys list') });
  });
});

describe('doctor', () => {
  const findings = async (env: Record<string, string>) => {
    const { code, out } = await observatory(['doctor', '--json'], { ...deployment.env, ...env });
    const all: Loose[] = JSON.parse(out).findings;
    return { code, all, of: (name: string) => all.find((one) => one.name === name) };
  };

  test('finds a deployment with a worker fit to run, and names everything that it looked at', async () => {
    const { code, all, of } = await findings({});
    expect(all.filter(({ state }) => state === 'fail')).toEqual([]);
    expect(code).toBe(0);
    const prefix = deployment.env['TEMPORAL_TASK_QUEUE_PREFIX'];
    const looked = ['postgres', 'migrations', 'clock', 's3 artifacts', 's3 backups', 'temporal', 'search attributes'];
    const more = [`queue ${prefix}episodes`, `queue ${prefix}simulation`, `queue ${prefix}maintenance`, 'git'];
    for (const name of [...looked, ...more]) expect(of(name)).toMatchObject({ state: 'ok', mend: null });
    expect(of(`schedule ${prefix}sweep-unstarted-episodes`).state).toBe('ok');
    expect(all.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['sandbox', 'langfuse', 'disk of temporary files']),
    );
  });

  test('says what is wrong and how to mend it, and exits 1', async () => {
    const url = new URL(deployment.env['DATABASE_URL']!);
    const bucket = `absent-${randomUUID()}`;
    const empty = `${url.pathname.slice(1)}_empty`;
    await deployment.database.pool.query(`create database ${empty}`);
    url.pathname = `/${empty}`;
    const { code, of } = await findings({
      DATABASE_URL: url.href,
      S3_BUCKET_ARTIFACTS: bucket,
      TEMPORAL_TASK_QUEUE_PREFIX: 'nobody-',
      LANGFUSE_BASE_URL: 'http://127.0.0.1:1',
      LANGFUSE_PUBLIC_KEY: 'pk-test-key',
      LANGFUSE_SECRET_KEY: 'sk-test-secret-key',
    });
    await deployment.database.pool.query(`drop database ${empty}`);
    expect(code).toBe(1);
    expect(of('migrations')).toMatchObject({ state: 'fail', mend: 'Run `observatory set-up`.' });
    expect(of('s3 artifacts')).toMatchObject({ state: 'fail', mend: expect.stringContaining(bucket) });
    expect(of('queue nobody-episodes')).toMatchObject({
      state: 'fail',
      mend: expect.stringContaining('observatory worker'),
    });
    expect(of('schedule nobody-sweep-unstarted-episodes')).toMatchObject({ state: 'fail', detail: 'is not there' });
    expect(of('langfuse')).toMatchObject({ state: 'fail' });
    expect(JSON.stringify(of('langfuse'))).not.toContain('sk-test-secret-key');
  });

  test('set-up mends what it can, as often as it is asked', async () => {
    for (let times = 0; times < 2; times++)
      expect(await observatory(['set-up', '--json'], deployment.env)).toMatchObject({ code: 0, err: '' });
    expect((await findings({})).of('migrations')).toMatchObject({ state: 'ok' });
  });
});

test('agents shows roles with their tools, models and scripts, and the schema of every tool as JSON', async () => {
  const { out } = await api.run(['agents']);
  expect(out).toMatch(/^ {2}single_engineer: .*\n {4}engineer: .*\bsimulate\b/m);
  expect(out).toMatch(/^ {2}scripted:sideways-transfer: /m);
  const { tools } = JSON.parse((await api.run(['agents', '--json'])).out);
  expect(tools.find(({ name }: Loose) => name === 'simulate').input.properties).toHaveProperty('scene_path');
});

test('the API lists the schedules as Temporal has them', async () => {
  const headers = { authorization: `Bearer ${api.env['OBSERVATORY_API_KEY']}` };
  const { items } = (await (await fetch(`${api.env['OBSERVATORY_URL']}/v1/schedules`, { headers })).json()) as Loose;
  const sweep = items.find(({ id }: Loose) => id.endsWith('sweep-unstarted-episodes'));
  expect(sweep).toMatchObject({ present: true, paused: false, next_at: expect.stringMatching(/^\d{4}-.*Z$/) });
});
