import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { z } from 'zod';

/** What everything in a sandbox holds together: processes and their threads, and memory that only they hold. */
export type SandboxUsage = { tasks: number; memory_bytes: number };

const BubblewrapInfo = z.object({ 'child-pid': z.number().int().positive() });

/** The first process of a sandbox, as this system numbers it, from bubblewrap's `--info-fd`; undefined if it never began. */
export async function readInit(info: Readable): Promise<number | undefined> {
  try {
    return BubblewrapInfo.parse(JSON.parse(await text(info)))['child-pid'];
  } catch {
    return undefined; // bubblewrap ended before it said so, and its own words are on stderr
  }
}

/**
 * What a sandbox holds now; undefined when it has ended. Read from the sandbox's own /proc, which lists its processes and
 * no others. Of more than `tasks_max` processes only the number is reported, so that a fork bomb costs one listing.
 */
export function usageOf(init: number, tasks_max: number): SandboxUsage | undefined {
  const proc = join('/proc', String(init), 'root', 'proc');
  const pids = orGone(() => readdirSync(proc).filter((name) => /^\d+$/.test(name)));
  if (!pids) return undefined;
  const usage: SandboxUsage = { tasks: 0, memory_bytes: 0 };
  if (pids.length > tasks_max) return { ...usage, tasks: pids.length };
  for (const pid of pids) {
    const status = orGone(() => readFileSync(`${proc}/${pid}/status`, 'latin1')) ?? '';
    const figure = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    usage.tasks += figure('Threads');
    usage.memory_bytes += (figure('RssAnon') + figure('RssShmem')) * 1024;
  }
  return usage;
}

/** Processes end between being listed and being read. */
function orGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
