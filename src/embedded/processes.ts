import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** One process of this machine: its id, its group's id and its command line. */
export type ProcessEntry = { pid: number; group: number; command: string };

/** The live processes (no zombies) that this user can see. */
export function listProcesses(): ProcessEntry[] {
  if (!existsSync('/proc/self/stat')) return listByPs();
  return readdirSync('/proc').flatMap((name) => {
    const entry = /^\d+$/.test(name) ? readProc(Number(name)) : undefined;
    return entry === undefined ? [] : [entry];
  });
}

/** The live process `pid`, if there is one. */
export function findProcess(pid: number): ProcessEntry | undefined {
  if (existsSync('/proc/self/stat')) return readProc(pid);
  return listByPs().find((entry) => entry.pid === pid);
}

/** Sends a signal (0: none, only asks) to a process, or to a whole group (negative id). Returns false when nobody is there any more. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

function readProc(pid: number): ProcessEntry | undefined {
  try {
    // The second field is the name in parentheses, which may itself hold spaces and parentheses.
    const [state, , group] = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { pid, group: Number(group), command };
  } catch {
    // It ended while being read.
    return undefined;
  }
}

function listByPs(): ProcessEntry[] {
  const lines = execFileSync('ps', ['-axo', 'pid=,pgid=,stat=,command='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, pid, group, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (command === undefined || state?.startsWith('Z')) return [];
    return [{ pid: Number(pid), group: Number(group), command: command.trim() }];
  });
}
