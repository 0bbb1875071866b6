import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import { loadConfig } from '../../config/config.ts';
import { setUpDeployment } from '../../runtime/set-up.ts';
import { examples, print, printJson } from '../output.ts';

/** Adds `observatory set-up`. */
export function registerSetUp(program: Command, env: Environment): void {
  program
    .command('set-up')
    .description('make the configured servers ready: migrations, namespace, search attributes, schedules')
    .option('--json', 'print what was done as one JSON object')
    .addHelpText('after', examples('observatory set-up && observatory keys create --name me --role operator'))
    .action(async ({ json }: { json?: true }) => {
      const done: string[] = [];
      await setUpDeployment(loadConfig(env), { log: (line) => (json ? done.push(line) : print(line)) });
      if (json) printJson({ done });
    });
}
