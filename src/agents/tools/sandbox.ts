import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { AppError } from '../../errors.ts';
import { readInit, usageOf } from './sandbox-watch.ts';

/** How a command ended: its exit code, or the signal that ended it; and which limit it was stopped at, if any. */
export type CommandEnd = {
  exit_code: number | null;
  signal: string | null;
  timed_out: boolean;
  /** The limit in words, such as "more than 512 processes and threads". */
  exceeded: string | null;
};

/** Runs agents' commands apart from the worker: no secrets in the environment, bounded in all that they can use up. */
export type Sandbox = {
  run(command: string, options: CommandOptions): Promise<CommandEnd>;
};

/** `dir` is the agent's "/" on this worker's disk; what lies in it at a `read_only` path cannot be written to. */
export type CommandOptions = {
  dir: string;
  read_only?: readonly string[];
  timeout_ms: number;
  signal: AbortSignal;
  onOutput: (stream: 'stdout' | 'stderr', text: string) => void;
};

/**
 * `bubblewrap`: no network, no files but the workspace and the system's programs, all limits; `uid` is whose commands they
 * are to the kernel, where the worker is root. `unsafe`: a clean environment, and limits of time and output only.
 */
export type SandboxMode =
  | { kind: 'bubblewrap'; path: string; uid: number | null }
  | { kind: 'unsafe' }
  | { kind: 'refuse'; reason: string };

/** A command that was told to stop has this long before it is killed. */
const TERMINATE_GRACE_MS = 1_000;
/** Output still in the pipes of a command that has ended is waited for this long. */
const DRAIN_MS = 1_000;
/** How often a running sandbox is looked at: what a fork bomb or a memory hog can do beyond its limit in this time is harmless. */
const WATCH_INTERVAL_MS = 100;

/** The largest file that a command may write: as in a workspace. */
const FILE_BYTES_MAX = 256 * 1024 * 1024;
/** Memory that no file backs: of one process, to which the kernel gives no more; of all together, which the watch stops. */
const MEMORY_MIB_MAX = 1_024;
/** Processes and threads of a sandbox, some tens of node processes, at which the watch stops it. */
const TASKS_MAX = 512;
/** Where the kernel stops what the watch has not seen yet. It counts by user namespace since Linux 5.14, and never for root. */
const TASKS_HARD_MAX = 2 * TASKS_MAX;
/** All that a command may write to stdout and stderr, in UTF-16 units. */
const OUTPUT_CHARS_MAX = 256 * 1024 * 1024;
/** The sandbox's own file systems in memory. */
const TMP_BYTES_MAX = 256 * 1024 * 1024;
const SHM_BYTES_MAX = 64 * 1024 * 1024;
/** Commands come after the worker, so that even with the processor full it heartbeats, watches and kills. */
const NICENESS = '10';

/** No core files: what handles them would run outside the sandbox. */
const LIMITS = `--core=0 --fsize=${FILE_BYTES_MAX} --data=${MEMORY_MIB_MAX * 1024 * 1024} --nproc=${TASKS_HARD_MAX}`;

/** The sandbox of this mode. `node` is the program that commands find under that name. */
export function createSandbox(mode: SandboxMode, node: string): Sandbox {
  return {
    async run(command, options) {
      options.signal.throwIfAborted();
      const { args, home } = commandLine(mode, { node, command, ...options });
      const env = { PATH: `${dirname(node)}:/usr/local/bin:/usr/bin:/bin`, HOME: home, LANG: 'C.UTF-8' };
      const info = mode.kind === 'bubblewrap' ? 'pipe' : 'ignore';
      const uid = mode.kind === 'bubblewrap' ? mode.uid : null;
      if (uid !== null) await promisify(execFile)('chown', ['-hR', `${uid}:${uid}`, options.dir]);
      // A process group of its own, so that all that the command started ends with it.
      const child = spawn('nice', ['-n', NICENESS, ...args], {
        cwd: options.dir,
        env,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe', info],
        ...(uid !== null && { uid, gid: uid }),
      });
      return attend(child, options);
    },
  };
}

/** Stays with a command until it and all that it started has ended. */
async function attend(child: ChildProcess, { timeout_ms, signal, onOutput }: CommandOptions): Promise<CommandEnd> {
  let init: number | undefined;
  let exceeded: string | null = null;
  let failure: unknown;
  let killing: NodeJS.Timeout | undefined;
  const kill = () => signalGroup(child.pid, 'SIGKILL');
  const stop = () => {
    // Bubblewrap itself would die of SIGTERM, and with it the command, unasked; the first process in it does not.
    signalGroup(init ?? child.pid, 'SIGTERM');
    killing ??= setTimeout(kill, TERMINATE_GRACE_MS);
  };
  const exceed = (limit: string) => {
    exceeded ??= limit;
    kill();
  };
  const look = () => {
    try {
      const usage = init === undefined ? undefined : usageOf(init, TASKS_MAX);
      if (!usage) return;
      if (usage.tasks > TASKS_MAX) exceed(`more than ${TASKS_MAX} processes and threads`);
      if (usage.memory_bytes > MEMORY_MIB_MAX * 1024 * 1024) exceed(`more than ${MEMORY_MIB_MAX} MiB of memory`);
    } catch (error) {
      failure ??= error; // what cannot be watched must not run
      kill();
    }
  };
  let timed_out = false;
  const timer = setTimeout(() => {
    timed_out = true;
    exceeded ??= `more than ${timeout_ms / 1000} s`;
    stop();
  }, timeout_ms);
  const watching = setInterval(look, WATCH_INTERVAL_MS);
  signal.addEventListener('abort', stop, { once: true });
  let written = 0;
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      if (written > OUTPUT_CHARS_MAX) return; // it is being killed, and its end says why
      written += text.length;
      onOutput(stream, text);
      if (written > OUTPUT_CHARS_MAX) exceed(`more than ${OUTPUT_CHARS_MAX} characters of output`);
    });
  const info = child.stdio[3] as Readable | null | undefined;
  if (info) void readInit(info).then((pid) => (init = pid));
  try {
    const [exit_code, by] = await ended(child, kill);
    signal.throwIfAborted();
    if (failure !== undefined)
      throw new AppError('failed_precondition', 'commands cannot be watched on this worker', { cause: failure });
    return { exit_code, signal: by, timed_out, exceeded };
  } finally {
    clearTimeout(timer);
    clearTimeout(killing);
    clearInterval(watching);
    signal.removeEventListener('abort', stop);
  }
}

function ended(child: ChildProcess, kill: () => void): Promise<[exit_code: number | null, by: NodeJS.Signals | null]> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => {
      kill(); // what it left running would keep the pipes open
      setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, DRAIN_MS).unref();
    });
    child.on('close', (exit_code, by) => resolve([exit_code, by]));
  });
}

function signalGroup(leader: number | undefined, name: NodeJS.Signals): void {
  try {
    if (leader) process.kill(-leader, name);
  } catch {
    // It has ended already.
  }
}

function commandLine(
  mode: SandboxMode,
  { node, dir, read_only = [], command }: { node: string; command: string } & CommandOptions,
): { args: string[]; home: string } {
  if (mode.kind === 'refuse')
    throw new AppError('failed_precondition', `commands cannot be run on this worker: ${mode.reason}`);
  const shell = ['/bin/sh', '-c', command];
  if (mode.kind === 'unsafe') return { args: shell, home: dir };
  const nodeDir = dirname(node);
  const readOnly = (...paths: string[]) => paths.flatMap((path) => ['--ro-bind-try', path, path]);
  const args = [
    mode.path,
    '--unshare-all --unshare-user --disable-userns --uid 1000 --gid 1000 --cap-drop ALL'.split(' '),
    '--die-with-parent --new-session --info-fd 3'.split(' '),
    readOnly('/usr', '/bin', '/sbin', '/lib', '/lib64', '/etc/alternatives', '/etc/ld.so.cache', nodeDir),
    // Where commands must be root's, the kernel lets them write /proc/sys for their uid alone, without any capability.
    '--proc /proc --remount-ro /proc --dev /dev --remount-ro /dev'.split(' '),
    ['--size', `${SHM_BYTES_MAX}`, '--tmpfs', '/dev/shm', '--size', `${TMP_BYTES_MAX}`, '--tmpfs', '/tmp'],
    ['--bind', dir, '/workspace', ...protect(dir, read_only)],
    ['--remount-ro', '/', '--chdir', '/workspace', 'prlimit', ...LIMITS.split(' '), ...shell],
  ].flat();
  return { args, home: '/workspace' };
}

/** Mounts that make these paths read-only. One that a symbolic link leads to is left out: its target is not the workspace's. */
function protect(dir: string, paths: readonly string[]): string[] {
  const root = realpathSync(dir);
  return paths.flatMap((path) => {
    const place = join(root, path);
    return isItself(place) ? ['--ro-bind', place, join('/workspace', path)] : [];
  });
}

function isItself(place: string): boolean {
  try {
    return realpathSync(place) === place;
  } catch {
    return false; // nothing is there, or a link to nowhere or in a circle
  }
}
