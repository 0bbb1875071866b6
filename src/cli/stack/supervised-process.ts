import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startGuarded, stopStale } from '../../embedded/guarded-process.ts';
import type { GuardedProcess } from '../../embedded/guarded-process.ts';
import { cacheFolder } from '../../config/config.ts';
import { compileCache, WORKER_ENVIRONMENT, WORKER_NODE_FLAGS } from '../../runtime/worker-process.ts';
import type { Log } from '../../embedded/log-file.ts';

/** One of our own commands, kept running. */
export type SupervisedProcess = {
  /** How often it has ended so far without being told to. */
  failures: () => number;
  lastLines: () => string;
  /** Ends it in good order; resolves when it is gone. */
  stop: () => Promise<void>;
  kill: () => void;
};

const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 30_000;
/** Having run this long, a process counts as sound: the next failure is waited for as briefly as the first. */
const SOUND_MS = 60_000;
/** A worker's own grace is 10 s; then it leaves its work to be retried. */
const STOP_SECONDS_MAX = 25;

/** Starts `node <main> <command>` with its output in `<home>/logs/<command>.log`, and again whenever it ends, ever later. */
export async function superviseProcess(options: {
  command: string;
  main: string;
  env: Record<string, string>;
  home: string;
  log: Log;
}): Promise<SupervisedProcess> {
  const { command, home, log } = options;
  const own = command === 'worker' ? { flags: WORKER_NODE_FLAGS, env: WORKER_ENVIRONMENT } : { flags: [], env: {} };
  const stopping = new AbortController();
  const pid_file = join(home, 'run', `${command}.json`);
  await stopStale({ name: command, pid_file, marker: options.main, stop_signal: 'TERM', log });
  const start = () =>
    startGuarded({
      name: command,
      command: process.execPath,
      args: [...own.flags, options.main, command],
      env: { ...compileCache(cacheFolder(options.env)), ...own.env, ...options.env },
      cwd: home,
      log_file: join(home, 'logs', `${command}.log`),
      pid_file,
      stop_signal: 'TERM',
      stop_seconds_max: STOP_SECONDS_MAX,
    });
  let failures = 0;
  let child: GuardedProcess = await start();
  const keep = async () => {
    let wait = BACKOFF_MS_MIN;
    while (!stopping.signal.aborted) {
      const since = performance.now();
      const how = await child.exited;
      if (stopping.signal.aborted) return;
      failures += 1;
      if (performance.now() - since > SOUND_MS) wait = BACKOFF_MS_MIN;
      log(`The ${command} ended (${how}); starting it again in ${wait / 1000} s`);
      await delay(wait, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      wait = Math.min(wait * 2, BACKOFF_MS_MAX);
      child = await start();
    }
  };
  const kept = keep();
  return {
    failures: () => failures,
    lastLines: () => child.lastLines(),
    stop: async () => {
      stopping.abort();
      // A start that is just under way must be seen through, or its child would be nobody's.
      await Promise.all([child.stop(), kept.then(async () => child.stop())]);
    },
    kill: () => {
      stopping.abort();
      child.kill();
    },
  };
}
