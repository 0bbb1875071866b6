import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { lastLines, openLogFile } from './log-file.ts';
import type { Log } from './log-file.ts';
import { listProcesses, signal } from './processes.ts';
import { until } from './until.ts';

/** What to run and how to end it. */
export type GuardedOptions = {
  name: string;
  command: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
  /** The unprivileged user to run as, when this process is root and the program refuses root. */
  user?: { uid: number; gid: number } | undefined;
  log_file: string;
  pid_file: string;
  /** The signal by which the program ends in good order, and how long that may take before it is killed. */
  stop_signal: 'INT' | 'TERM';
  stop_seconds_max: number;
};

/** A running child that does not outlive this process, not even a kill -9 of it. */
export type GuardedProcess = {
  readonly pid: number;
  /** Settles when it has ended, with how. Never rejects. */
  readonly exited: Promise<string>;
  running: () => boolean;
  /** What it wrote last, since this start. */
  lastLines: () => string;
  /** Ends it in good order, by force when it takes too long; resolves when it is gone. */
  stop: () => Promise<void>;
  /** Ends it at once. */
  kill: () => void;
  /** Resolves when all that it started is gone too, which a program that looks for an earlier start of itself may ask for. */
  gone: () => Promise<void>;
};

/**
 * The shell between us and the child. Its standard input is a pipe that only we hold: when that closes, because we stop
 * the child or because we died in whatever way, the watcher signals the child and, when it lingers, kills it. A session
 * of its own keeps a terminal's Ctrl-C from the child: the order of stopping is ours.
 */
const GUARD = `
signal=$1; seconds=$2; shift 2
exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
(
  read -r _ <&3
  kill -s "$signal" $child
  while [ "$seconds" -gt 0 ] && kill -0 $child; do sleep 1; seconds=$((seconds - 1)); done
  kill -s KILL $child
) 2>/dev/null &
watcher=$!
exec 3<&-
wait $child; code=$?
kill $watcher
exit $code
`;

/** A process that was killed counts until its parent, which may be the machine's init, has taken note of it. */
const GONE_DURATION_MS_MAX = 30_000;

/** The guard kills after `stop_seconds_max`; this much later its whole group goes. */
const GUARD_GRACE_MS = 2_000;

/** Starts the child under its guard, output appended to its log, its group's id in the pid file. Throws `unavailable`. */
export async function startGuarded(options: GuardedOptions): Promise<GuardedProcess> {
  const log = openLogFile(options.log_file);
  const child = spawn(
    '/bin/sh',
    [
      '-c',
      GUARD,
      `guard-${options.name}`,
      options.stop_signal,
      String(options.stop_seconds_max),
      options.command,
    ].concat(options.args),
    {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ['pipe', log.fd, log.fd],
      ...options.user,
    },
  );
  closeSync(log.fd);
  const pid = await spawned(child, options.name);
  mkdirSync(dirname(options.pid_file), { recursive: true });
  writeFileSync(options.pid_file, JSON.stringify({ group: pid }));
  let running = true;
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, by) => {
      running = false;
      child.stdin?.destroy();
      rmSync(options.pid_file, { force: true });
      resolve(by === null ? `exit code ${code}` : by);
    });
  });
  return {
    pid,
    exited,
    running: () => running,
    lastLines: () => lastLines(options.log_file, log.size),
    stop: async () => {
      child.stdin?.end();
      const overdue = setTimeout(() => signal(-pid, 'SIGKILL'), options.stop_seconds_max * 1000 + GUARD_GRACE_MS);
      await exited;
      clearTimeout(overdue);
    },
    kill: () => {
      if (running) signal(-pid, 'SIGKILL');
    },
    gone: async () => {
      await exited;
      const attempt = () => (signal(-pid, 0) ? undefined : true);
      await until({
        what: `The end of all that ${options.name} started`,
        duration_ms_max: GONE_DURATION_MS_MAX,
        attempt,
      });
    },
  };
}

/** `attempt` again and again until it succeeds. A child that ended, or took too long, is `unavailable` with its last lines. */
export async function ready(
  child: GuardedProcess,
  options: {
    what: string;
    duration_ms_max: number;
    attempt: () => Promise<void>;
    giveUp?: (error: unknown) => boolean;
  },
): Promise<void> {
  try {
    await until({
      what: 'Becoming ready',
      duration_ms_max: options.duration_ms_max,
      attempt: async () => {
        if (!child.running()) throw new AppError('aborted', `It ended (${await child.exited}).`);
        await options.attempt();
        return true;
      },
      giveUp: (error) => !child.running() || options.giveUp?.(error) === true,
    });
  } catch (error) {
    const lines = child.lastLines();
    await child.stop();
    const said = lines === '' ? '' : `\nIts last lines:\n${lines}`;
    throw new AppError('unavailable', `${options.what} did not start. ${AppError.from(error).message}${said}`, {
      cause: error,
    });
  }
}

const PidFile = z.object({ group: z.int().positive() });
const STALE_DURATION_MS_MAX = 20_000;

/**
 * Ends what an earlier, killed supervisor may have left behind: the group named in the pid file, if one of its members
 * really has `marker` (the data folder) on its command line. Resolves when it is gone; process ids of others are safe.
 */
export async function stopStale(
  options: Pick<GuardedOptions, 'name' | 'pid_file' | 'stop_signal'> & { marker: string; log: Log },
): Promise<void> {
  const group = readGroup(options.pid_file);
  if (group === undefined) return;
  const survivors = () => listProcesses().filter((entry) => entry.group === group);
  if (survivors().some((entry) => entry.command.includes(options.marker))) {
    options.log(`Stopping a ${options.name} left behind by an earlier start`);
    for (const entry of survivors()) signal(entry.pid, `SIG${options.stop_signal}`);
    await until({
      what: `The end of the earlier ${options.name}`,
      duration_ms_max: STALE_DURATION_MS_MAX,
      attempt: () => (survivors().length === 0 ? true : undefined),
    }).catch(() => signal(-group, 'SIGKILL'));
  }
  rmSync(options.pid_file, { force: true });
}

function readGroup(path: string): number | undefined {
  try {
    return PidFile.parse(JSON.parse(readFileSync(path, 'utf8'))).group;
  } catch {
    // Absent, or cut off while it was written: then there is nothing to go by.
    return undefined;
  }
}

function spawned(child: ChildProcess, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new AppError('unavailable', `${name} cannot be run: ${error.message}`, { cause: error })),
    );
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
}
