import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { AppError } from '../../errors.ts';

/** How a command ended: its exit code, or the signal that ended it, or that its time was up. */
export type CommandEnd = { exit_code: number | null; signal: string | null; timed_out: boolean };

/** Runs agents' commands apart from the worker: no secrets in the environment, bounded time. */
export type Sandbox = {
  run(
    command: string,
    options: {
      dir: string;
      timeout_ms: number;
      signal: AbortSignal;
      onOutput: (stream: 'stdout' | 'stderr', text: string) => void;
    },
  ): Promise<CommandEnd>;
};

/** `bubblewrap`: no network, no files but the workspace and the system's programs. `unsafe`: only a clean environment. */
export type SandboxMode =
  | { kind: 'bubblewrap'; path: string }
  | { kind: 'unsafe' }
  | { kind: 'refuse'; reason: string };

/** A command that was told to stop has this long before it is killed. */
const TERMINATE_GRACE_MS = 1_000;
/** Output still in the pipes of a command that has ended is waited for this long. */
const DRAIN_MS = 1_000;
/** The largest file that a command may write, in the shell's blocks of 1 KiB: 256 MiB. */
const FILE_BLOCKS_MAX = 262_144;

/** The sandbox of this mode. `node` is the program that commands find under that name. */
export function createSandbox(mode: SandboxMode, node: string): Sandbox {
  return {
    async run(command, { dir, timeout_ms, signal, onOutput }) {
      signal.throwIfAborted();
      const script = `ulimit -f ${FILE_BLOCKS_MAX}; ${command}`;
      const { program, args, cwd } = commandLine(mode, { node, dir, script });
      const env = { PATH: `${dirname(node)}:/usr/local/bin:/usr/bin:/bin`, HOME: cwd, LANG: 'C.UTF-8' };
      // A process group of its own, so that all that the command started ends with it.
      const child = spawn(program, args, { cwd: dir, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
      const kill = (name: NodeJS.Signals) => {
        try {
          if (child.pid) process.kill(-child.pid, name);
        } catch {
          // It has ended already.
        }
      };
      let timed_out = false;
      let killing: NodeJS.Timeout | undefined;
      const stop = () => {
        kill('SIGTERM');
        killing ??= setTimeout(() => kill('SIGKILL'), TERMINATE_GRACE_MS);
      };
      const timer = setTimeout(() => {
        timed_out = true;
        stop();
      }, timeout_ms);
      signal.addEventListener('abort', stop, { once: true });
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream].setEncoding('utf8');
        child[stream].on('data', (text: string) => onOutput(stream, text));
      }
      try {
        const end = await new Promise<CommandEnd>((resolve, reject) => {
          child.on('error', reject);
          child.on('exit', () => {
            kill('SIGKILL'); // what it left running would keep the pipes open
            setTimeout(() => child.stdout.destroy() && child.stderr.destroy(), DRAIN_MS).unref();
          });
          child.on('close', (exit_code, by) => resolve({ exit_code, signal: by, timed_out }));
        });
        signal.throwIfAborted();
        return end;
      } finally {
        clearTimeout(timer);
        clearTimeout(killing);
        signal.removeEventListener('abort', stop);
      }
    },
  };
}

function commandLine(mode: SandboxMode, { node, dir, script }: { node: string; dir: string; script: string }) {
  if (mode.kind === 'refuse')
    throw new AppError('failed_precondition', `commands cannot be run on this worker: ${mode.reason}`);
  if (mode.kind === 'unsafe') return { program: '/bin/sh', args: ['-c', script], cwd: dir };
  const nodeDir = dirname(node);
  const readOnly = (...paths: string[]) => paths.flatMap((path) => ['--ro-bind-try', path, path]);
  const args = [
    '--unshare-all --die-with-parent --new-session --cap-drop ALL'.split(' '),
    readOnly('/usr', '/bin', '/sbin', '/lib', '/lib64', '/etc/alternatives', '/etc/ld.so.cache', nodeDir),
    '--proc /proc --dev /dev --tmpfs /tmp'.split(' '),
    ['--bind', dir, '/workspace', '--chdir', '/workspace', '--setenv', 'HOME', '/workspace'],
    ['/bin/sh', '-c', script],
  ].flat();
  return { program: mode.path, args, cwd: '/workspace' };
}
