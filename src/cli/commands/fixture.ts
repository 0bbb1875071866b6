import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import { addFixture } from '../../runtime/replay/fixture.ts';
import { createClient } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { findConnection, findDeployment } from '../connection.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';

const HISTORIES = join(import.meta.dirname, '../../../test/replay/histories');

/** Adds `observatory fixture …`. */
export function registerFixture(program: Command, env: Environment): void {
  const connect = () => createClient(findConnection(env));
  const fixture = program
    .command('fixture')
    .description('golden histories, which every change of the workflow code is held against');
  takesEpisode(fixture.command('add'), connect)
    .description('keep the history of each run of an episode, without names, words and machines')
    .requiredOption('--name <name>', 'what it proves, in kebab-case', kebab)
    .option('--folder <path>', 'where to', HISTORIES)
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(`observatory fixture add ${EXAMPLE_ID} --name answered-after-a-restart`))
    .action(async (id: string, { name, folder, json }: { name: string; folder: string; json?: true }) => {
      const files = await addFixture(findDeployment(env), { id, name, folder });
      if (json) printJson({ files });
      else for (const file of files) print(file);
    });
}

function kebab(text: string): string {
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(text)) throw new InvalidArgumentError('Write it in kebab-case.');
  return text;
}
