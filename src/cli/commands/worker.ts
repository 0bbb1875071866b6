import type { Command } from 'commander';
import { loadConfig } from '../../config/config.ts';
import type { Environment } from '../../config/config.ts';
import { runWorker } from '../../runtime/worker.ts';

/** Adds `observatory worker`. */
export function registerWorker(program: Command, env: Environment): void {
  program
    .command('worker')
    .description('run a worker for all task queues, until told to stop')
    .action(async () => runWorker(loadConfig(env), (line) => process.stdout.write(`${line}\n`)));
}
