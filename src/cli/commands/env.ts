import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import { findConnection } from '../connection.ts';

/** Adds `observatory env`: what a shell evaluates to speak to the API. */
export function registerEnv(program: Command, env: Environment): void {
  program
    .command('env')
    .description('print shell exports of the API’s address and key: eval "$(observatory env)"')
    .option('--json', 'print them as one JSON object')
    .action(({ json }: { json?: true }) => {
      const { url, key } = findConnection(env);
      const variables = { OBSERVATORY_URL: url, OBSERVATORY_API_KEY: key };
      const text = json
        ? JSON.stringify(variables)
        : Object.entries(variables)
            .map(([name, value]) => `export ${name}=${quote(value)}`)
            .join('\n');
      process.stdout.write(`${text}\n`);
    });
}

/** The text as one word of a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
