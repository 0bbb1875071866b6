import type { Command } from 'commander';
import { runApi } from '../../runtime/api.ts';
import { loadConfig } from '../../config/config.ts';
import type { Environment } from '../../config/config.ts';

/** Adds `observatory api`. */
export function registerApi(program: Command, env: Environment): void {
  program
    .command('api')
    .description('run the API against the configured Postgres, S3 and Temporal, until told to stop')
    .action(async () => runApi(loadConfig(env), (line: string) => process.stdout.write(`${line}\n`)));
}
