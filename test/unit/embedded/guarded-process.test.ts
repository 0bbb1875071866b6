/**
 * Goal: a server never outlives the process that started it, and is found and ended when it did all the same.
 * Method: real processes; one starts a guarded child, says its id and is killed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ready, startGuarded, stopStale } from '../../../src/embedded/guarded-process.ts';
import type { GuardedOptions } from '../../../src/embedded/guarded-process.ts';
import { listProcesses, signal } from '../../../src/embedded/processes.ts';
import { until } from '../../../src/embedded/until.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'guarded-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A program that carries the folder on its command line and says what it was told; `SIGTERM` ends it unless ignored. */
const PROGRAM = `
process.on('SIGTERM', () => { console.log('told to end'); if (process.argv[2] !== 'stubborn') process.exit(7); });
setInterval(() => undefined, 1000);
console.log('running');
`;

function options(mood: 'willing' | 'stubborn' = 'willing'): GuardedOptions {
  return {
    name: 'program',
    command: process.execPath,
    args: ['-e', PROGRAM, folder, mood],
    env: { PATH: '/usr/bin:/bin' },
    cwd: folder,
    log_file: join(folder, 'program.log'),
    pid_file: join(folder, 'program.json'),
    stop_signal: 'TERM',
    stop_seconds_max: mood === 'stubborn' ? 1 : 20,
  };
}

const log = (): string => readFileSync(join(folder, 'program.log'), 'utf8');
const members = (group: number) => listProcesses().filter((entry) => entry.group === group);
const hasWritten = async (line: string) =>
  until({ what: line, duration_ms_max: 10_000, attempt: () => (log().includes(line) ? true : undefined) });
const isGone = async (group: number) =>
  until({ what: 'the end', duration_ms_max: 20_000, attempt: () => (members(group).length === 0 ? true : undefined) });

describe('a guarded process', () => {
  test('ends in good order when stopped, and leaves nothing behind', async () => {
    const child = await startGuarded(options());
    await hasWritten('running');
    await child.stop();
    expect(child.running()).toBe(false);
    expect(await child.exited).toBe('exit code 7');
    expect(log()).toContain('told to end');
    await isGone(child.pid);
  });

  test('is killed when it does not end in its time', async () => {
    const child = await startGuarded(options('stubborn'));
    await hasWritten('running');
    await child.stop();
    expect(log()).toContain('told to end');
    await isGone(child.pid);
  });

  test('ends when the process that started it is killed', async () => {
    const module = new URL('../../../src/embedded/guarded-process.ts', import.meta.url).href;
    const script = `
      const { startGuarded } = await import(${JSON.stringify(module)});
      const child = await startGuarded(${JSON.stringify(options())});
      process.stdout.write(String(child.pid));
    `;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const group = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
    await hasWritten('running');
    expect(members(group).length).toBeGreaterThan(0);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await isGone(group);
    expect(log()).toContain('told to end');
  });

  test('that ends before it is ready is told with its last lines', async () => {
    const child = await startGuarded({ ...options(), args: ['-e', 'console.error("no such disk"); process.exit(3)'] });
    const start = ready(child, {
      what: 'The program',
      duration_ms_max: 20_000,
      attempt: async () => {
        throw new Error('refused');
      },
    });
    await expect(start).rejects.toThrow(/The program did not start.*exit code 3[^]*no such disk/);
  });

  test('that is not there is told by name', async () => {
    await expect(startGuarded({ ...options(), cwd: join(folder, 'absent') })).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});

describe('what an earlier start left behind', () => {
  const lines: string[] = [];
  const stale = (marker: string) => ({
    name: 'program',
    pid_file: join(folder, 'stale.json'),
    stop_signal: 'TERM' as const,
    marker,
    log: (line: string) => lines.push(line),
  });

  test('is ended when its command line shows that it is ours', async () => {
    const child = await startGuarded(options());
    await hasWritten('running');
    writeFileSync(join(folder, 'stale.json'), JSON.stringify({ group: child.pid }));
    await stopStale(stale(folder));
    expect(members(child.pid)).toEqual([]);
  });

  test('is left alone when the id belongs to somebody else by now', async () => {
    const child = await startGuarded(options());
    await hasWritten('running');
    writeFileSync(join(folder, 'stale.json'), JSON.stringify({ group: child.pid }));
    await stopStale(stale('/somewhere/else'));
    expect(child.running()).toBe(true);
    expect(log()).not.toContain('told to end');
    await child.stop();
  });

  test('is nothing when there is no pid file', async () => {
    await stopStale(stale(folder));
    expect(signal(process.pid, 'SIGCONT')).toBe(true);
  });
});
