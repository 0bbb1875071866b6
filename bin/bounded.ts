/** Runs a command that cannot outlive its time: it leads a process group of its own, and the whole group is ended. */
import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';

/** A step that is told to stop gets so long to end its servers. */
const GRACE_MS = 10_000;
const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type Bounds = { durationMs: number; graceMs?: number; stdio: StdioOptions; env?: NodeJS.ProcessEnv };

/**
 * Runs a command and resolves to '' when it exits with 0, else to why it did not. After `durationMs`, and when this process
 * is told to stop, its group is sent SIGTERM, and what is left of it after a grace SIGKILL.
 */
export function runBounded(
  [program = '', ...args]: string[],
  { durationMs, graceMs = GRACE_MS, stdio, env }: Bounds,
): Promise<string> {
  return new Promise((settle) => {
    const child = spawn(program, args, { env, stdio, detached: true });
    let stopped = '';
    let kill: NodeJS.Timeout | undefined;
    const stop = (why: string) => {
      stopped ||= why;
      signalGroup(child, 'SIGTERM');
      kill ??= setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
    };
    const late = setTimeout(() => stop(`stopped after ${durationMs / 1000} s`), durationMs);
    const interrupted = () => stop('interrupted');
    for (const signal of STOPPING) process.on(signal, interrupted);
    const end = (why: string) => {
      clearTimeout(late);
      clearTimeout(kill);
      for (const signal of STOPPING) process.off(signal, interrupted);
      // What a step that was stopped has left behind is nobody's.
      if (stopped) signalGroup(child, 'SIGKILL');
      settle(stopped || why);
    };
    child.on('error', (error) => end(error.message));
    child.on('exit', (code, signal) => end(code === 0 ? '' : signal ? `killed by ${signal}` : `exit ${code}`));
  });
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone.
  }
}
