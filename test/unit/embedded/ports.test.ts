import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { choosePort, isFree, openPortBook, startOnFreePort, TWIN_OFFSET } from '../../../src/embedded/ports.ts';

let home: string;
let listening: Server[];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ports-'));
  listening = [];
});
afterEach(async () => {
  for (const server of listening) server.close();
  await Promise.all(listening.map((server) => once(server, 'close')));
  rmSync(home, { recursive: true });
});

async function occupy(port = 0): Promise<number> {
  const server = createServer().listen({ port, host: '127.0.0.1' });
  await once(server, 'listening');
  listening.push(server);
  return (server.address() as AddressInfo).port;
}

describe('choosePort', () => {
  test('takes the first free candidate', async () => {
    const taken = await occupy();
    const free = await choosePort([]);
    expect(await choosePort([taken, free])).toBe(free);
  });

  test('takes any free port when all candidates are taken', async () => {
    const taken = await occupy();
    const chosen = await choosePort([taken]);
    expect(chosen).not.toBe(taken);
    expect(await isFree(chosen)).toBe(true);
    expect(await isFree(taken)).toBe(false);
  });
});

describe('the port book of a home', () => {
  test('remembers a port over restarts, before the preferred one', async () => {
    const first = await choosePort([]);
    expect(await openPortBook(home).choose('api', first)).toBe(first);
    const other = await choosePort([]);
    expect(await openPortBook(home).choose('api', other)).toBe(first);
  });

  test('moves on when somebody else has the remembered port', async () => {
    const remembered = await openPortBook(home).choose('api');
    await occupy(remembered);
    const moved = await openPortBook(home).choose('api');
    expect(moved).not.toBe(remembered);
    expect(await openPortBook(home).choose('api')).toBe(moved);
  });

  test('gives different ports whose twins are free, and the same ones again', async () => {
    const names = ['a', 'b', 'c'];
    const chosen = await openPortBook(home).chooseTwins(names);
    expect(new Set(chosen).size).toBe(names.length);
    for (const port of chosen) expect(await isFree(port + TWIN_OFFSET)).toBe(true);
    expect(await openPortBook(home).chooseTwins(names)).toEqual(chosen);
    await occupy((chosen[1] ?? 0) + TWIN_OFFSET);
    expect(await openPortBook(home).chooseTwins(names)).not.toEqual(chosen);
  });
});

describe('startOnFreePort', () => {
  test('chooses again when the port was taken before the server listened', async () => {
    const [taken, free] = [await occupy(), await choosePort([])];
    const tried: number[] = [];
    const started = await startOnFreePort(
      async () => (tried.length === 0 ? taken : free),
      async (port) => {
        tried.push(port);
        if (port === taken) throw new Error('EADDRINUSE');
        return port;
      },
    );
    expect([started, tried]).toEqual([free, [taken, free]]);
  });

  test('starts again when the server says that another port of its own was taken', async () => {
    const ports = [await choosePort([]), await choosePort([])];
    let tries = 0;
    const started = await startOnFreePort(
      async () => ports[tries] ?? 0,
      async (port) => {
        tries += 1;
        if (tries === 1) throw new Error('Its last lines:\nlisten tcp 127.0.0.1:42211: bind: address already in use');
        return port;
      },
    );
    expect([started, tries]).toEqual([ports[1], 2]);
  });

  test('passes any other failure on at once', async () => {
    const free = await choosePort([]);
    let tries = 0;
    const start = startOnFreePort(
      async () => free,
      async () => {
        tries += 1;
        throw new Error('the disk is full');
      },
    );
    await expect(start).rejects.toThrow('the disk is full');
    expect(tries).toBe(1);
  });
});
