import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Log } from './log-file.ts';
import { writePrivate } from './private-file.ts';

const HOST = '127.0.0.1';
const Ports = z.record(z.string(), z.int().min(1).max(65_535));

/** The ports that a home's parts had last, so that addresses stay the same from start to start. */
export type PortBook = {
  /** A free port: the remembered one, else the preferred one, else any. Remembers it. */
  choose: (name: string, preferred?: number) => Promise<number>;
  /** For each name a free port whose twin (10,000 above) is free too: the remembered one, else any. Remembers them. */
  chooseTwins: (names: string[]) => Promise<number[]>;
};

/** The ports remembered in `<home>/ports.json`. `log` gets a line for each usual port that others have, with what was chosen instead. */
export function openPortBook(home: string, log: Log = () => {}): PortBook {
  const path = join(home, 'ports.json');
  const ports = readPorts(path);
  const remember = (chosen: Record<string, number>) => {
    if (Object.entries(chosen).every(([name, port]) => ports[name] === port)) return;
    Object.assign(ports, chosen);
    writePrivate(path, ports);
  };
  return {
    choose: async (name, preferred) => {
      const candidates = [ports[name], preferred].filter((candidate) => candidate !== undefined);
      const port = await choosePort(candidates);
      const [wanted = port] = candidates;
      if (port !== wanted) log(`Port ${wanted} is taken by another program: ${name} gets ${port} instead`);
      remember({ [name]: port });
      return port;
    },
    chooseTwins: async (names) => {
      const remembered = names.flatMap((name) => ports[name] ?? []);
      const all = remembered.flatMap((port) => [port, port + TWIN_OFFSET]);
      const free = remembered.length === names.length && (await Promise.all(all.map(isFree))).every(Boolean);
      const chosen = free ? remembered : await chooseTwinPorts(names.length);
      remember(Object.fromEntries(names.map((name, index) => [name, chosen[index] ?? 0])));
      return chosen;
    },
  };
}

/** The first free one of `candidates` on the loopback address, else any free port. */
export async function choosePort(candidates: number[]): Promise<number> {
  for (const candidate of candidates) if (await isFree(candidate)) return candidate;
  const server = await listen(0);
  return close(server);
}

/** Whether nobody listens on this port of the loopback address. */
export async function isFree(port: number): Promise<boolean> {
  try {
    await close(await listen(port));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' || code === 'EACCES') return false;
    throw error;
  }
}

/** Twin ports are this far apart: SeaweedFS's parts expect each other's gRPC there. */
export const TWIN_OFFSET = 10_000;
const TWIN_ATTEMPTS_MAX = 100;

/** `count` different free ports whose twins are free too. */
async function chooseTwinPorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  try {
    // All are held until the last is found, so that none is given out twice.
    for (let attempt = 0; attempt < TWIN_ATTEMPTS_MAX && ports.length < count; attempt += 1) {
      const server = await listen(0);
      held.push(server);
      const port = portOf(server);
      if (port + TWIN_OFFSET > 65_535) continue;
      const twin = await listen(port + TWIN_OFFSET).catch(() => undefined);
      if (twin === undefined) continue;
      held.push(twin);
      ports.push(port);
    }
  } finally {
    await Promise.all(held.map(close));
  }
  if (ports.length < count) throw new AppError('unavailable', `No ${count} free ports with free twins were found.`);
  return ports;
}

const START_ATTEMPTS_MAX = 3;

/** How servers say in their last lines that a port was taken: it may be another of theirs than the one that is chosen here. */
const TAKEN = /address already in use/i;

/**
 * What `start` returns for a port that `choose` gave. Between choosing and listening somebody else may take it, or another
 * that the server wants: then it is started once more with others, three times at most; any other failure is thrown.
 */
export async function startOnFreePort<T>(
  choose: () => Promise<number>,
  start: (port: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await choose();
    try {
      return await start(port);
    } catch (error) {
      const taken = !(await isFree(port)) || TAKEN.test(AppError.from(error).message);
      if (attempt === START_ATTEMPTS_MAX || !taken) throw error;
    }
  }
}

function readPorts(path: string): Record<string, number> {
  try {
    return Ports.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // Absent or damaged: ports are only a convenience.
    return {};
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: HOST, exclusive: true }, () => resolve(server));
  });
}

function close(server: Server): Promise<number> {
  const port = portOf(server);
  return new Promise((resolve) => {
    server.close(() => resolve(port));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
