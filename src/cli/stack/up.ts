import { spawn } from 'node:child_process';
import { closeSync, createReadStream, statSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Command } from 'commander';
import { AppError } from '../../errors.ts';
import { defaultHome, processEnvironment } from '../../config/config.ts';
import type { Environment } from '../../config/config.ts';
import { lastLines, openLogFile } from '../../embedded/log-file.ts';
import type { Log } from '../../embedded/log-file.ts';
import { until } from '../../embedded/until.ts';
import { findConnection } from '../connection.ts';
import { makeSignInLink } from '../sign-in-link.ts';
import { findRunningStack } from './state.ts';
import type { Addresses } from './state.ts';
import { MAIN, runStack } from './supervisor.ts';

type UpOptions = { detach?: true; demo: boolean; json?: true };

/** Adds `observatory up`. */
export function registerUp(program: Command): void {
  program
    .command('up')
    .description('start everything: PostgreSQL, S3 and Temporal where none are configured, the worker and the API')
    .option('--detach', 'start in the background and return when everything is up')
    .option('--no-demo', 'do not run the demo episode when there is no episode yet')
    .option('--json', 'print the addresses as one JSON object, and progress to standard error')
    .action(async (options: UpOptions) => {
      const env = processEnvironment();
      const home = defaultHome(env);
      const log: Log = (line) => (options.json ? process.stderr : process.stdout).write(`${line}\n`);
      const onUp = async (addresses: Addresses) => {
        // Where the API serves more than this machine, and where it is away already, the page is reached by its address alone.
        const page = await makeSignInLink(findConnection(env)).catch(() => addresses.api);
        const text = options.json
          ? JSON.stringify(addresses)
          : describe({ addresses, page, detached: options.detach === true });
        process.stdout.write(`${text}\n`);
      };
      refuseSecond(home);
      // Whoever read the output may have left; the stack stays, and its logs say the rest.
      for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
      if (options.detach) await onUp(await startDetached({ env, home, demo: options.demo, log }));
      else await runInForeground({ env, home, demo: options.demo, log, onUp });
    });
}

/** npm passes Ctrl-C on to a process that the terminal has signalled already: within this time it is one wish, not two. */
const SIGNAL_ECHO_MS = 500;

async function runInForeground(run: Omit<Parameters<typeof runStack>[0], 'stop' | 'now'>): Promise<void> {
  const [stop, now] = [new AbortController(), new AbortController()];
  let first: number | undefined;
  const onSignal = () => {
    first ??= performance.now();
    stop.abort();
    if (performance.now() - first <= SIGNAL_ECHO_MS) return;
    now.abort();
    process.exit(1);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  try {
    await runStack({ ...run, stop: stop.signal, now: now.signal });
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onSignal);
  }
}

/** The first start may fetch 120 MB, install schemas and run the demo. */
const DETACHED_START_MS_MAX = 30 * 60_000;

async function startDetached(options: { env: Environment; home: string; demo: boolean; log: Log }): Promise<Addresses> {
  const { env, home, demo, log } = options;
  const path = join(home, 'logs', 'supervisor.log');
  const { fd, size } = openLogFile(path);
  const child = spawn(process.execPath, [MAIN, 'up', ...(demo ? [] : ['--no-demo'])], {
    env,
    detached: true,
    stdio: ['ignore', fd, fd],
  });
  closeSync(fd);
  const interrupted = () => child.kill('SIGTERM');
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  await once(child, 'spawn');
  let shown = size;
  const { addresses } = await until({
    what: 'The start in the background',
    duration_ms_max: DETACHED_START_MS_MAX,
    attempt: async () => {
      const stack = findRunningStack(home);
      if (stack?.ready && stack.pid === child.pid) return stack;
      if (ended) throw new AppError('aborted', `The stack did not start. Its last lines:\n${lastLines(path, size)}`);
      shown = await show(path, shown, log);
      return undefined;
    },
    giveUp: () => ended,
  });
  process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  child.unref();
  return addresses;
}

/** Passes on whole lines written to `path` after byte `from`; returns where the next ones begin. */
async function show(path: string, from: number, log: Log): Promise<number> {
  if (statSync(path).size <= from) return from;
  let text = '';
  for await (const chunk of createReadStream(path, { start: from, encoding: 'utf8' })) text += String(chunk);
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  for (const line of whole.split('\n').slice(0, -1)) log(line);
  return from + Buffer.byteLength(whole);
}

function refuseSecond(home: string): void {
  const running = findRunningStack(home);
  if (running === undefined) return;
  throw new AppError(
    'failed_precondition',
    `The stack of ${home} is running already (process ${running.pid}): API ${running.addresses.api}, Temporal ${running.addresses.temporal_ui ?? running.addresses.temporal}. Stop it with \`observatory down\`, or set OBSERVATORY_HOME to start another.`,
    { details: { pid: running.pid, api: running.addresses.api } },
  );
}

function describe({ addresses, page, detached }: { addresses: Addresses; page: string; detached: boolean }): string {
  const rows = {
    API: addresses.api,
    'OpenAPI document': addresses.openapi,
    'API key': `api_key in ${join(addresses.home, 'credentials.json')}`,
    'Temporal Web UI': addresses.temporal_ui ?? addresses.temporal,
    [addresses.traces_stand_in ? 'Traces (Langfuse stand-in)' : 'Traces (Langfuse)']: addresses.traces ?? 'none',
    S3: addresses.s3,
    PostgreSQL: addresses.postgres,
    Logs: addresses.logs,
  };
  const width = Math.max(...Object.keys(rows).map((name) => name.length)) + 2;
  const lines = Object.entries(rows).map(([name, value]) => `  ${name.padEnd(width)}${value}`);
  const end = detached ? 'Stop it with `observatory down`.' : 'Press Ctrl-C to stop.';
  return [
    '',
    'The Observatory is up. Look at it (this link signs in, once; `observatory open` prints another):',
    '',
    `  ${page}`,
    '',
    ...lines,
    '',
    end,
  ].join('\n');
}
