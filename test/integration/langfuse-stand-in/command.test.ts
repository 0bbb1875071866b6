import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { choosePort } from '../../../src/embedded/ports.ts';
import { startTestCollector } from './test-stand-in.ts';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

/** Runs it with these variables alone, but for a database where none is given. */
function run(variables: Record<string, string>) {
  const { PATH = '', HOME = '' } = process.env;
  const { DATABASE_URL = '' }: Record<string, string> = inject('environment');
  return spawn(process.execPath, [MAIN, 'collector'], {
    env: { PATH, HOME, DATABASE_URL, OBSERVATORY_HOME: tmpdir(), ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

test('`observatory collector` listens where LANGFUSE_BASE_URL says, without faults on request, until it is told to stop: it needs neither S3 nor Temporal', async () => {
  await using database = await startTestCollector();
  const url = `http://127.0.0.1:${await choosePort([])}`;
  const keys = { LANGFUSE_PUBLIC_KEY: 'pk-lf-x', LANGFUSE_SECRET_KEY: 'sk-lf-x' };
  const child = run({ DATABASE_URL: database.databaseUrl, LANGFUSE_BASE_URL: url, ...keys });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  expect(line).toBe(`the collector listens on ${url}`);
  const authorization = `Basic ${btoa('pk-lf-x:sk-lf-x')}`;
  expect((await fetch(`${url}/api/public/projects`, { headers: { authorization } })).status).toBe(200);
  expect((await fetch(`${url}/faults`)).status).toBe(404);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test.each([
  ['no Langfuse is configured', {}],
  [
    'the address is another machine’s',
    { LANGFUSE_BASE_URL: 'https://langfuse.example', LANGFUSE_PUBLIC_KEY: 'p', LANGFUSE_SECRET_KEY: 's' },
  ],
])('`observatory collector` says what to set when %s', async (_, variables) => {
  const child = run(variables);
  const [line] = (await once(createInterface({ input: child.stderr }), 'line')) as [string];
  expect(line).toMatch(/^observatory: The collector listens where LANGFUSE_BASE_URL says, on this machine only/);
  expect(await once(child, 'exit')).toEqual([1, null]);
});
