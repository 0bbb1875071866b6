import type { Command } from 'commander';
import { runCollector } from '../../runtime/langfuse-stand-in.ts';
import { loadConfig } from '../../config/config.ts';
import type { Environment } from '../../config/config.ts';

/** Adds `observatory collector`. */
export function registerCollector(program: Command, env: Environment): void {
  program
    .command('collector')
    .description('run the stand-in for Langfuse at LANGFUSE_BASE_URL, keeping traces in Postgres, until told to stop')
    // It is a server by itself: what the rest of a deployment needs is nothing to it.
    .action(async () =>
      runCollector(loadConfig(env, { needs: ['DATABASE_URL'] }), (line) => process.stdout.write(`${line}\n`)),
    );
}
