/** The command line as a process: what it answers and how it exits, without any server. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cacheFolder, processEnvironment } from '../../../src/config/config.ts';
import { compileCache, WORKER_ENVIRONMENT, WORKER_NODE_FLAGS } from '../../../src/runtime/worker-process.ts';

const MAIN = join(import.meta.dirname, '../../../src/cli/main.ts');
const LAUNCHER = join(import.meta.dirname, '../../../bin/observatory.mjs');

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'observatory-cli-'));
});
afterAll(async () => rm(home, { recursive: true, force: true }));

type Outcome = { code: number; out: string; err: string };

function run(args: string[], options: { env?: Record<string, string>; main?: string } = {}): Promise<Outcome> {
  const cache = compileCache(cacheFolder(processEnvironment()));
  const env = { PATH: process.env['PATH'], OBSERVATORY_HOME: home, ...cache, ...options.env };
  return new Promise((settle) => {
    execFile(process.execPath, [options.main ?? MAIN, ...args], { env }, (error, out, err) => {
      settle({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

test('help names every command and exits 0, through the launcher too', async () => {
  const { code, out } = await run(['--help']);
  expect(code).toBe(0);
  const commands = ['up', 'down', 'demo', 'episodes', 'agents', 'keys', 'doctor', 'set-up', 'env', 'api', 'worker'];
  for (const command of commands) expect(out).toMatch(`\n  ${command} `);
  expect(await run(['--help'], { main: LAUNCHER })).toEqual({ code, out, err: '' });
});

test('the version is the package’s own', async () => {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8'));
  for (const flag of ['--version', '-V']) expect(await run([flag])).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

test.each([
  ['epi', 'episodes'],
  ['episodes sh', 'show'],
  ['episodes files g', 'get'],
  ['episodes list --st', '--status'],
  ['episodes show l', 'latest'],
  ['completion z', 'zsh'],
])('completion of %s answers %s', async (words, answer) => {
  expect(await run(['complete', '--', ...words.split(' ')])).toEqual({ code: 0, out: `${answer}\n`, err: '' });
});

test('bash completes commands by the script that it is given', async () => {
  const script = (await run(['completion', 'bash'])).out;
  const bash = `observatory() { "${process.execPath}" "${MAIN}" "$@"; }
${script}
COMP_WORDS=(observatory episodes fo); COMP_CWORD=2; _observatory; echo "\${COMPREPLY[@]}"`;
  const out = await new Promise((settle) => execFile('bash', ['-c', bash], (_, stdout) => settle(stdout)));
  expect(out).toBe('fork\n');
});

test('the launcher runs a worker as the stack runs it', async () => {
  const launcher = await readFile(LAUNCHER, 'utf8');
  expect(launcher).toContain(`['${WORKER_NODE_FLAGS.join("', '")}']`);
  for (const [name, value] of Object.entries(WORKER_ENVIRONMENT)) expect(launcher).toContain(`{ ${name}: '${value}' }`);
});

test.each(
  [
    'agents',
    'doctor',
    'set-up',
    'keys create',
    'keys list',
    'keys revoke',
    'episodes start',
    'episodes list',
    'episodes show',
    'episodes open',
    'episodes files list',
    'episodes files get',
    'episodes diff',
    'search',
    'statistics',
    'schedules list',
    'schedules pause',
    'completion',
    'episodes tail',
    'episodes logs',
    'episodes pause',
    'episodes resume',
    'episodes say',
    'episodes answer',
    'episodes approve',
    'episodes cancel',
    'episodes fork',
    'episodes rerun',
    'rewind',
    'reproduce',
    'reconstruct',
  ].map((command) => [command]),
)('the help of %s ends with an example that calls it', async (command) => {
  const { code, out } = await run([...command.split(' '), '--help']);
  expect(code).toBe(0);
  expect(out.slice(out.search(/^Examples?:$/m))).toContain(`  observatory ${command}`);
});

test.each([
  ['an unknown command', ['nonsense']],
  ['an unknown option', ['episodes', 'list', '--nonsense']],
  ['a missing option', ['episodes', 'start']],
  ['a missing argument', ['episodes', 'show']],
  ['nothing to look for', ['search']],
  ['a shell that is none', ['completion', 'cmd']],
  ['a number out of bounds', ['episodes', 'list', '--limit', '101']],
  ['a key without a name', ['keys', 'create']],
  ['a role that is none', ['keys', 'create', '--name', 'x', '--role', 'root']],
  ['an id that is none', ['keys', 'revoke', '7']],
  ['an approval that is no rule', ['episodes', 'start', '--task', 'x', '--approval', 'simulate=maybe']],
  ['a step that is none', ['episodes', 'answer', 'x', '--step', '0']],
  ['nothing to say', ['episodes', 'say', 'x']],
  ['options that exclude each other', ['episodes', 'logs', 'x', '--follow', '--json']],
])('%s exits 2 and says why on standard error', async (_, args) => {
  const { code, out, err } = await run(args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(/^error: /);
});

test.each([['demo'], ['env'], ['agents'], ['episodes list'], ['keys list'], ['doctor'], ['set-up']])(
  '%s without a stack exits 1 and says how to start one',
  async (args) => {
    const { code, out, err } = await run(args.split(' '));
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('npm start');
  },
);

test('an API that does not answer exits 1 and names its address', async () => {
  // Nothing listens on port 1.
  const env = { OBSERVATORY_URL: 'http://127.0.0.1:1/', OBSERVATORY_API_KEY: 'a key' };
  const { code, err } = await run(['episodes', 'list'], { env });
  expect(code).toBe(1);
  expect(err).toBe('observatory: The API at http://127.0.0.1:1 cannot be reached.\n');
});

test('env prints what a shell evaluates, or one JSON object', async () => {
  const env = { OBSERVATORY_URL: 'http://api.test', OBSERVATORY_API_KEY: 'a-key' };
  expect((await run(['env'], { env })).out).toBe(
    `export OBSERVATORY_URL='http://api.test'\nexport OBSERVATORY_API_KEY='a-key'\n`,
  );
  expect(JSON.parse((await run(['env', '--json'], { env })).out)).toEqual(env);
});
