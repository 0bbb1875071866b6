// Another user of this machine reaches every port of the loopback address. Each port on which a process of the embedded servers
// listens is asked, over HTTP and gRPC, without a key: only those answer that the README names.
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cacheFolder, processEnvironment } from '../../../src/config/config.ts';
import { startServers } from '../../../src/embedded/stack.ts';

const ASKED_MS_MAX = 5_000;
const LISTENS = '0A';

let home: string;
let servers: Awaited<ReturnType<typeof startServers>>;
beforeAll(async () => {
  const { DATABASE_URL: _d, S3_ENDPOINT: _s, TEMPORAL_ADDRESS: _t, ...env } = processEnvironment();
  home = await mkdtemp(join(tmpdir(), 'observatory-neighbours-'));
  servers = await startServers({ home, env, log: () => {}, cache: cacheFolder(processEnvironment()), ports: 'any' });
});
afterAll(async () => {
  await servers.stop();
  await rm(home, { recursive: true, force: true });
});

/** The ports of the loopback address on which processes listen whose command line names the home, by program. */
async function listeners(): Promise<{ program: string; port: number }[]> {
  const ports = new Map<string, number>();
  for (const line of (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1)) {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    if (state === LISTENS) ports.set(inode, parseInt(local.split(':')[1] ?? '', 16));
  }
  const found: { program: string; port: number }[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!command.includes(home)) continue;
    const program = basename(command.split('\0')[0] ?? '');
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const inode = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))?.[1];
      const port = ports.get(inode ?? '');
      if (port !== undefined && !found.some((one) => one.port === port)) found.push({ program, port });
    }
  }
  return found;
}

/** Whether a plain GET is answered with anything but a refusal. */
const answersHttp = (port: number, path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const asking = get({ host: '127.0.0.1', port, path, timeout: ASKED_MS_MAX }, (answer) => {
      answer.resume();
      resolve((answer.statusCode ?? 500) < 400);
    });
    asking.on('timeout', () => asking.destroy());
    asking.on('error', () => resolve(false));
    asking.on('close', () => resolve(false));
  });

/** Whether a gRPC request without a certificate gets as far as an answer. */
const answersGrpc = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const session = connect(`http://127.0.0.1:${port}`);
    const end = (answers: boolean) => {
      session.destroy();
      resolve(answers);
    };
    session.setTimeout(ASKED_MS_MAX, () => end(false));
    session.on('error', () => end(false));
    session.on('close', () => end(false));
    const headers = { ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc' };
    const request = session.request({ ...headers, te: 'trailers' });
    request.on('response', ({ ':status': status = 500 }) => end(status < 400));
    request.on('error', () => end(false));
    request.on('close', () => end(false));
    request.end(Buffer.alloc(5));
  });

test.runIf(process.platform === 'linux')('without a key, only Temporal and its Web UI answer', async () => {
  const all = await listeners();
  expect(new Set(all.map(({ program }) => program))).toEqual(new Set(['postgres', 'temporal', 'weed']));
  const open = new Set<string>();
  for (const { program, port } of all) {
    const answers = [answersGrpc(port), ...['/', '/dir/status', '/metrics'].map((path) => answersHttp(port, path))];
    if ((await Promise.all(answers)).includes(true)) open.add(program);
  }
  expect([...open]).toEqual(['temporal']);
});
