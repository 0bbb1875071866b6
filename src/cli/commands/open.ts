import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import { findConnection } from '../connection.ts';
import { makeSignInLink } from '../sign-in-link.ts';

/** Adds `observatory open`: the link with which somebody on this machine sees the page. */
export function registerOpen(program: Command, env: Environment): void {
  program
    .command('open')
    .description('print a link to the page that signs one browser in, once')
    .option('--json', 'print it as a JSON object')
    .action(async ({ json }: { json?: true }) => {
      const page = await makeSignInLink(findConnection(env));
      process.stdout.write(`${json ? JSON.stringify({ page }) : page}\n`);
    });
}
