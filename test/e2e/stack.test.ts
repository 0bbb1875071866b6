// The two things a new user does, on a home of the test's own: start everything, and run the README's calls as written.
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cacheFolder, processEnvironment } from '../../src/config/config.ts';

const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'src/cli/main.ts');
let home: string;
let env: NodeJS.ProcessEnv;
const started: ChildProcess[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'observatory-e2e-'));
  const { DATABASE_URL: _d, S3_ENDPOINT: _s, TEMPORAL_ADDRESS: _t, ...rest } = process.env;
  // Fetched programs are shared with `npm start`; data are not.
  const cache = cacheFolder(processEnvironment());
  env = { ...rest, OBSERVATORY_HOME: home, OBSERVATORY_CACHE: cache };
});
afterAll(async () => {
  // What a failed test left running would go on in a home that is gone.
  for (const child of started) if (child.exitCode === null && child.signalCode === null) await stop(child);
  await rm(home, { recursive: true, force: true });
});

/** Starts the stack and resolves when it says that it is up. */
async function up(): Promise<{ child: ChildProcess; said: string[] }> {
  const child = spawn(process.execPath, [MAIN, 'up'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`up ended with ${code}:\n${said.join('\n')}`)));
    createInterface(child.stdout).on('line', (line) => {
      said.push(line);
      if (line.includes('Press Ctrl-C')) resolve();
    });
  });
  return { child, said };
}

async function stop(child: ChildProcess): Promise<number | null> {
  const ended = once(child, 'exit') as Promise<[number | null]>;
  child.kill('SIGINT');
  return (await ended)[0];
}

/** The shell blocks of a README section, as one script. */
async function shellOf(section: string): Promise<string> {
  const text = await readFile(join(ROOT, 'README.md'), 'utf8');
  const body = text.split(`## ${section}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...body.matchAll(/```sh\n(.*?)```/gs)].map(([, code]) => code).join('\n');
}

const observatory = async (...args: string[]) => {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args], { cwd: ROOT, env });
  return stdout;
};

test('npm start runs the demo, the README calls run as written, Ctrl-C stops all, and a second start finds the data', async () => {
  const first = await up();
  expect(first.said.join('\n')).toMatch(/The episode completed \(APPROVED\)/);
  expect(first.said.join('\n')).toMatch(/nothing is missing/);
  const script = `set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n${await shellOf('Using it')}`;
  await promisify(execFile)('bash', ['-c', script], { cwd: ROOT, env, maxBuffer: 64 * 1024 * 1024 });
  const newest = JSON.parse(await observatory('episodes', 'show', 'latest', '--json')) as Record<string, unknown>;
  expect(newest).toMatchObject({ status: 'completed', terminal_reason: 'APPROVED', tags: ['readme'] });
  const before = JSON.parse(await observatory('episodes', 'list', '--json')) as { items: { id: string }[] };
  expect(before.items).toHaveLength(2);
  expect(await stop(first.child)).toBe(0);
  await expect(observatory('episodes', 'list')).rejects.toThrow(/npm start/);

  const second = await up();
  const after = JSON.parse(await observatory('episodes', 'list', '--json')) as { items: { id: string }[] };
  expect(after.items.map(({ id }) => id)).toEqual(before.items.map(({ id }) => id));
  expect(await stop(second.child)).toBe(0);
});
