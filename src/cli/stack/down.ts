import type { Command } from 'commander';
import { defaultHome, processEnvironment } from '../../config/config.ts';
import type { Log } from '../../embedded/log-file.ts';
import { findHomeOwner } from '../../embedded/home.ts';
import { signal } from '../../embedded/processes.ts';
import { stopStaleServers } from '../../embedded/stack.ts';
import { until } from '../../embedded/until.ts';
import { removeState } from './state.ts';

/** Adds `observatory down`. */
export function registerDown(program: Command): void {
  program
    .command('down')
    .description('stop the stack that `up` started, and wait until it is gone')
    .option('--json', 'print what was stopped as one JSON object')
    .action(async (options: { json?: true }) => {
      const home = defaultHome(processEnvironment());
      const log: Log = (line) => (options.json ? process.stderr : process.stdout).write(`${line}\n`);
      const pid = await stopStack(home, log);
      if (options.json) process.stdout.write(`${JSON.stringify({ home, stopped: pid ?? null })}\n`);
    });
}

/** Longer than the stack's parts may take one after the other. */
const STOP_DURATION_MS_MAX = 90_000;

/** Stops the home's stack and resolves, when it is gone, with its process id; undefined when none was running. */
export async function stopStack(home: string, log: Log): Promise<number | undefined> {
  const owner = findHomeOwner(home);
  if (owner === undefined) {
    await stopStaleServers(home, log);
    log(`Nothing is running in ${home}`);
    return undefined;
  }
  log(`Stopping the stack of ${home} (process ${owner.pid})`);
  signal(owner.pid, 'SIGTERM');
  await until({
    what: 'The end of the stack',
    duration_ms_max: STOP_DURATION_MS_MAX,
    attempt: () => (findHomeOwner(home) === undefined ? true : undefined),
  }).catch(() => {
    log('It does not end in good order: killing it');
    // Its children notice that it is gone and end by themselves.
    signal(owner.pid, 'SIGKILL');
    removeState(home);
  });
  log('Stopped');
  return owner.pid;
}
