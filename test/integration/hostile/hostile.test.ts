// An engineer who tries to break out, to break the worker and to forge what it is judged by, on real servers through a real
// worker process: each attempt has a clear result, and the same worker then sees the episode to its approval.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listArtifactsOfSteps } from '../../../src/db/read/steps.ts';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import type { Step, ToolOutput } from '../../../src/schemas/step.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment, Line, WorkerProcess } from '../../support/deployment.ts';
import { expectTrueRecord, stepsOf } from '../../support/record.ts';

const LOG_CHARS_MAX = 10 * 1024 * 1024;
const FLOOD_LINES = 3_000_000;
const EPISODE_TIMEOUT_MS = 180_000;

let deployment: Deployment;
let worker: WorkerProcess;
let secrets: string;
let episodeId: string;
let steps: Step[];

const command = (text: string, timeout_s = 60) => call('execute_command', { command: text, timeout_s });

/** What is tried, in order. Each thought makes one call. */
const attempts = () =>
  ({
    'path traversal': call('read_file', { path: '/a/../../etc/passwd' }),
    'an absolute path': call('read_file', { path: '/etc/passwd' }),
    'a link out of the sandbox': command(`ln -s ${secrets} out; ln -s /proc/self/environ environ; cat out/secret.txt`),
    'reading through the link': call('read_file', { path: '/out/secret.txt' }),
    'writing through the link': call('write_file', { path: '/out/secret.txt', content: 'forged' }),
    'a rendering of its own': call('write_file', { path: '/renders/fake.png', content: '' }),
    'a name with a known beginning': call('write_file', { path: '/rendersfoo/x.txt', content: 'an ordinary file\n' }),
    'a rendering by a command': command('mkdir renders && echo forged > renders/fake.txt'),
    'other files of the machine': command(`cat ${secrets}/secret.txt /etc/shadow; ls /tmp /root; ls ..; cat ../*`),
    'the worker’s environment': command('env; cat /proc/[0-9]*/environ | tr "\\0" "\\n"'),
    'a fork bomb': command('bomb() { bomb | bomb & }; bomb; sleep 20'),
    'all memory': command('for i in 1 2 3 4; do head -c 600000000 /dev/zero | tail & done; wait; echo survived'),
    'a flood of output': command(`yes flooding | head -n ${FLOOD_LINES}; echo the end`),
    'ignoring SIGTERM': command('trap "" TERM; while :; do sleep 1; done', 1),
    'the network': command(
      `node -e 'fetch("${deployment.env['S3_ENDPOINT']}").catch((e) => console.log(e.cause.code))'`,
    ),
    'overwriting an input': command('echo forged > /workspace/given/limits.yaml; cat given/limits.yaml'),
    'forging an input by moving its folder': command('mv given old; mkdir given; echo forged > given/limits.yaml'),
    'a kernel setting': command('echo "|/bin/sh" > /proc/sys/kernel/core_pattern || echo kept'),
    'what is left of it': command('cat given/limits.yaml rendersfoo/x.txt; ls'),
  }) as const;
type Attempt = keyof ReturnType<typeof attempts>;

beforeAll(async () => {
  deployment = await createDeployment();
  secrets = await mkdtemp(join(tmpdir(), 'observatory-another-'));
  await writeFile(join(secrets, 'secret.txt'), 'another episode’s secret\n');
  worker = await deployment.startWorker();
  const lines: Line[] = [
    ...Object.values(attempts()).map((one) => ({ calls: [one] })),
    { calls: [call('write_file', { path: '/review.md', content: 'I tried it all.' })] },
    { calls: [call('finish', { decision: 'APPROVED', reason: 'nothing broke', review_path: '/review.md' })] },
  ];
  const transcript = { lines: { engineer: lines.map((line) => ({ text: '', ...line })) } };
  const episode = await deployment.accept(
    { agent: 'single_engineer', model: 'scripted:transcript' },
    { '/transcript.json': JSON.stringify(transcript), '/given/limits.yaml': 'mass_kg: 2\n' },
  );
  episodeId = episode.id;
  await deployment.workflows.startEpisode(episode);
  await deployment.workflows.client.workflow.getHandle(episode.workflow_id).result();
  steps = (await stepsOf(deployment, episodeId)).filter(({ node }) => node === 'tools');
}, EPISODE_TIMEOUT_MS);
afterAll(async () => {
  await deployment[Symbol.asyncDispose]();
  await rm(secrets, { recursive: true });
});

function stepOf(attempt: Attempt): Step {
  const step = steps[Object.keys(attempts()).indexOf(attempt)];
  if (!step) throw new Error(`no step for ${attempt}`);
  return step;
}

/** What the model was told. */
const answer = async (attempt: Attempt): Promise<string> => {
  const { output } = stepOf(attempt);
  const held = output as ToolOutput & { $artifact?: string };
  if (!held.$artifact) return held.content;
  const bytes = await deployment.store.readBytes(held.$artifact, { maxBytes: LOG_CHARS_MAX });
  return (JSON.parse(Buffer.from(bytes).toString()) as ToolOutput).content;
};

test('the episode is approved, its record is whole, and one worker saw it through at the first attempt', async () => {
  const { db, pool } = deployment.database;
  expect(await getEpisode(db, episodeId)).toMatchObject({ status: 'completed', terminal_reason: 'APPROVED' });
  await expectTrueRecord(deployment, episodeId);
  const { rows } = await pool.query<{ workers: number; attempts: number }>(
    `select count(distinct worker)::int as workers, max(attempt)::int as attempts from step_attempts a
       join steps s on s.id = a.step_id where s.episode_id = $1`,
    [episodeId],
  );
  expect(rows).toEqual([{ workers: 1, attempts: 1 }]);
  expect(process.kill(worker.pid, 0)).toBe(true);
});

test.for<[Attempt, string]>([
  ['path traversal', 'invalid_argument'],
  ['an absolute path', 'not_found'],
  ['reading through the link', 'permission_denied'],
  ['writing through the link', 'permission_denied'],
  ['a rendering of its own', 'permission_denied'],
  ['a rendering by a command', 'permission_denied'],
  ['forging an input by moving its folder', 'permission_denied'],
])('%s is refused as %s', ([attempt, code]) => {
  expect(stepOf(attempt)).toMatchObject({ status: 'error', error: { code } });
});

test.for<[Attempt, RegExp]>([
  ['a link out of the sandbox', /No such file or directory/],
  ['other files of the machine', /No such file or directory/],
  ['a fork bomb', /^stopped: more than 512 processes and threads|Cannot fork/],
  ['all memory', /^stopped: more than 1024 MiB of memory|memory exhausted/],
  ['ignoring SIGTERM', /^stopped: more than 1 s/],
  ['the network', /ECONNREFUSED/],
  ['overwriting an input', /Read-only file system[\s\S]*mass_kg: 2/],
  ['a kernel setting', /kept/],
  ['what is left of it', /mass_kg: 2\nan ordinary file\ngiven\nrendersfoo\ntranscript.json\n$/],
])('%s ends with a result that says so', async ([attempt, said]) => {
  expect(stepOf(attempt)).toMatchObject({ status: 'ok' });
  expect(await answer(attempt)).toMatch(said);
});

test('no secret of the worker and no file of another episode reached the record', async () => {
  const { S3_SECRET_ACCESS_KEY, DATABASE_URL } = deployment.env;
  const hidden = ['another episode’s secret', S3_SECRET_ACCESS_KEY, DATABASE_URL, 'root:x:0'];
  expect(hidden.filter((text) => !text)).toEqual([]);
  const { rows } = await deployment.database.pool.query<{ found: string }>(
    `select hidden as found from unnest($2::text[]) hidden where exists (
       select 1 from execution_logs where episode_id = $1 and position(hidden in text) > 0 and text not like '$ %')
     or exists (select 1 from steps where episode_id = $1 and node = 'tools' and position(hidden in output::text) > 0)`,
    [episodeId, hidden],
  );
  expect(rows).toEqual([]);
  expect(await answer('the worker’s environment')).toMatch(/HOME=\/workspace/);
});

test('of a flood, 10 MB stay in Postgres and the rest is an artifact that a line of the log names', async () => {
  const step = stepOf('a flood of output');
  const { rows } = await deployment.database.pool.query<{ stream: string; text: string }>(
    'select stream, text from execution_logs where step_id = $1 order by stream_seq',
    [step.id],
  );
  const kept = rows.filter(({ stream }) => stream === 'stdout');
  expect(kept.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThan(LOG_CHARS_MAX);
  const path = `.observatory/steps/${step.seq}/log-rest.txt`;
  const said = rows.filter(({ stream }) => stream === 'system').map(({ text }) => text);
  expect(said).toEqual([
    expect.stringMatching(/^\$ yes/),
    'exit code 0',
    expect.stringContaining(`the log goes on in ${path} with `),
  ]);
  const links = await listArtifactsOfSteps(deployment.database.db, [step.id]);
  const rest = links.find((link) => link.path === path);
  expect(rest).toMatchObject({ role: 'output', kind: 'LOG', content_type: 'text/plain; charset=utf-8' });
  const bytes = await deployment.store.readBytes(rest?.sha256 ?? '', { maxBytes: 10 * LOG_CHARS_MAX });
  const lines = Buffer.from(bytes).toString().split('\n');
  expect(lines.slice(-2)).toEqual(['the end', '']);
  // Not a line is lost between the two, and none is in both.
  expect(kept.length + lines.length - 1).toBe(FLOOD_LINES + 1);
  expect(await answer('a flood of output')).toContain('characters left out');
});
