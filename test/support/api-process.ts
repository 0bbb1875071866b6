import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheFolder, processEnvironment } from '../../src/config/config.ts';
import { compileCache } from '../../src/runtime/worker-process.ts';
import type { Deployment } from './deployment.ts';

export const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'src/cli/main.ts');

export type Outcome = { code: number; out: string; err: string };

/** A real API process over a deployment, and the command line that speaks to it. */
export type ApiProcess = AsyncDisposable & {
  /** What the command line is told: nothing but the API's address and a key. */
  env: Record<string, string>;
  /** Runs `observatory` with these arguments as a client of the API. */
  run(args: string[], env?: Record<string, string>): Promise<Outcome>;
  /** Ends it at once. */
  kill(): Promise<void>;
};

/** Starts the API on a free port, with a key that `observatory keys create` makes. */
export async function startApi(deployment: Pick<Deployment, 'env'>): Promise<ApiProcess> {
  const made = await observatory(['keys', 'create', '--name', 'Ada', '--role', 'operator', '--json'], deployment.env);
  if (made.code !== 0) throw new Error(`no key was made: ${made.err}`);
  const { key } = JSON.parse(made.out) as { key: string };
  const port = await freePort();
  const env = { ...process.env, ...deployment.env, API_PORT: String(port) };
  const child = spawn(process.execPath, [MAIN, 'api'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let listens = false;
  const lines = createInterface(child.stdout);
  for await (const line of lines) {
    listens = line.includes('the API listens on');
    if (listens) break;
  }
  child.stdout.resume();
  if (!listens) throw new Error('the API ended before it listened');
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  const client = { OBSERVATORY_URL: `http://127.0.0.1:${port}`, OBSERVATORY_API_KEY: key };
  return {
    env: client,
    run: (args, more = {}) => observatory(args, { ...client, ...more }),
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGTERM'),
  };
}

/** Runs the command line, by default this checkout's, with this environment and PATH, and nothing else. */
export function observatory(args: string[], env: Record<string, string>, main = MAIN): Promise<Outcome> {
  const cache = compileCache(cacheFolder(processEnvironment()));
  const options = { env: { PATH: process.env['PATH'], ...cache, ...env }, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((settle) => {
    execFile(process.execPath, [main, ...args], options, (error, out, err) => {
      settle({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
