import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runBounded } from '../../../bin/bounded.ts';

const isAlive = (pid: string) =>
  readFile(`/proc/${pid}/stat`, 'utf8').then(
    (stat) => !/\) [ZX] /.test(stat),
    () => false,
  );

test('a step that ignores the wish to stop is killed when its time is over, and so are its children', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'observatory-bounded-'));
  const log = await open(join(dir, 'log'), 'w');
  const stubborn = 'trap "" TERM; sleep 600 & echo $$ $!; wait; wait';
  const stdio = ['ignore' as const, log.fd, log.fd];
  const why = await runBounded(['bash', '-c', stubborn], { durationMs: 2_000, graceMs: 200, stdio });
  expect(why).toBe('stopped after 2 s');
  const pids = (await readFile(join(dir, 'log'), 'utf8')).trim().split(' ');
  expect(pids).toHaveLength(2);
  await expect.poll(() => Promise.all(pids.map(isAlive))).toEqual([false, false]);
  await log.close();
  await rm(dir, { recursive: true });
});

test('a step that ends in time says how', async () => {
  const limits = { durationMs: 60_000, stdio: 'ignore' as const };
  expect(await runBounded(['true'], limits)).toBe('');
  expect(await runBounded(['bash', '-c', 'exit 3'], limits)).toBe('exit 3');
  expect(await runBounded(['bash', '-c', 'kill -9 $$'], limits)).toBe('killed by SIGKILL');
  expect(await runBounded(['no-such-program'], limits)).toContain('ENOENT');
});
