import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stopStack } from '../../../src/cli/stack/down.ts';
import { findRunningStack, removeState, writeState } from '../../../src/cli/stack/state.ts';
import { claimHome, findHomeOwner } from '../../../src/embedded/home.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'home-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const ADDRESSES = {
  api: 'http://127.0.0.1:7700',
  openapi: 'http://127.0.0.1:7700/docs',
  temporal: '127.0.0.1:7733',
  temporal_ui: 'http://127.0.0.1:8733',
  s3: 'http://127.0.0.1:7734',
  traces: 'http://127.0.0.1:7735',
  traces_stand_in: true,
  postgres: '127.0.0.1:7732/observatory',
  home: '/home',
  logs: '/home/logs',
};

/** The id of a process that has been and is no more. */
async function endedProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

describe('the state of a stack', () => {
  test('is found while its supervisor lives, and only this user can read it', () => {
    writeState(home, { env: { DATABASE_URL: 'postgres://u:p@h/d' }, addresses: ADDRESSES, ready: true });
    expect(findRunningStack(home)).toEqual({
      env: { DATABASE_URL: 'postgres://u:p@h/d' },
      addresses: ADDRESSES,
      pid: process.pid,
      ready: true,
    });
    expect(statSync(join(home, 'stack.json')).mode & 0o777).toBe(0o600);
  });

  test('counts for nothing once its supervisor is gone, or its id belongs to another program', async () => {
    writeState(home, { env: {}, addresses: ADDRESSES, ready: true });
    const path = join(home, 'stack.json');
    const state = JSON.parse(readFileSync(path, 'utf8')) as { owner: { pid: number; command: string } };
    const { owner } = state;
    writeFileSync(path, JSON.stringify({ ...state, owner: { ...owner, pid: await endedProcess() } }));
    expect(findRunningStack(home)).toBeUndefined();
    writeFileSync(path, JSON.stringify({ ...state, owner: { ...owner, command: 'another program' } }));
    expect(findRunningStack(home)).toBeUndefined();
  });

  test('is gone when removed, and an unreadable one counts as absent', () => {
    writeState(home, { env: {}, addresses: ADDRESSES, ready: false });
    removeState(home);
    expect(findRunningStack(home)).toBeUndefined();
    writeFileSync(join(home, 'stack.json'), '{"owner":');
    expect(findRunningStack(home)).toBeUndefined();
  });
});

describe('a home', () => {
  test('has one owner at a time, and is free again when released', () => {
    const claimed = claimHome(home);
    expect(findHomeOwner(home)).toEqual({ pid: process.pid });
    expect(() => claimHome(home)).toThrow(`in use by process ${process.pid}`);
    claimed.release();
    expect(findHomeOwner(home)).toBeUndefined();
    claimHome(home).release();
  });

  test('is taken over from an owner that was killed', async () => {
    writeFileSync(join(home, 'lock.json'), JSON.stringify({ pid: await endedProcess(), command: 'node up' }));
    expect(findHomeOwner(home)).toBeUndefined();
    claimHome(home).release();
  });

  test('keeps its credentials from claim to claim, readable by this user only', () => {
    const first = claimHome(home);
    first.release();
    const second = claimHome(home);
    second.release();
    expect(second.credentials).toEqual(first.credentials);
    expect(new Set(Object.values(first.credentials)).size).toBe(Object.values(first.credentials).length);
    expect(statSync(join(home, 'credentials.json')).mode & 0o777).toBe(0o600);
  });

  test('that an older version made gets the keys it lacks, and keeps those it has', () => {
    const { credentials, release } = claimHome(home);
    release();
    const { langfuse_public_key, langfuse_secret_key, ...older } = credentials;
    writeFileSync(join(home, 'credentials.json'), JSON.stringify(older));
    const claimed = claimHome(home);
    claimed.release();
    expect(claimed.credentials).toMatchObject(older);
    expect(claimed.credentials.langfuse_public_key).toMatch(/^pk-lf-[0-9a-f]{32}$/);
    expect([langfuse_public_key, langfuse_secret_key]).not.toContain(claimed.credentials.langfuse_secret_key);
    const again = claimHome(home);
    again.release();
    expect(again.credentials).toEqual(claimed.credentials);
  });

  test.runIf(process.getuid?.() === 0)('is refused to root where the servers’ user could not enter', () => {
    const closed = join(home, 'closed');
    mkdirSync(closed);
    chmodSync(home, 0o755);
    chmodSync(closed, 0o700);
    expect(() => claimHome(join(closed, 'inner'))).toThrow(`may not enter ${closed}`);
  });

  test('down says so when nothing runs in it', async () => {
    const lines: string[] = [];
    expect(await stopStack(home, (line) => lines.push(line))).toBeUndefined();
    expect(lines).toEqual([`Nothing is running in ${home}`]);
    expect(existsSync(join(home, 'lock.json'))).toBe(false);
  });
});
