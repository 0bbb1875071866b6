import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import { createClient } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { findConnection } from '../connection.ts';
import { integer } from '../options.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { reconstruct } from '../reconstruct.ts';

type ReconstructOptions = { step?: number; into: string; json?: true };

/** Adds `observatory reconstruct`. */
export function registerReconstruct(program: Command, env: Environment): void {
  const connect = () => createClient(findConnection(env));
  takesEpisode(program.command('reconstruct'), connect)
    .description('write an episode’s files and conversations as they were after a step into an empty folder')
    .option('--step <number>', 'after this step; the last that has ended where not given', integer(0, 2_147_483_647))
    .requiredOption('--into <folder>', 'a folder that is empty or not there yet')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(`observatory reconstruct ${EXAMPLE_ID} --step 5 --into step-5`))
    .action(async (id: string, { step, into, json }: ReconstructOptions) => {
      const done = await reconstruct(connect(), { id, step, into });
      if (json) printJson(done);
      else
        print(
          `${done.folder} holds ${done.files} files and ${done.messages} messages as they were after step ${done.seq}.\n` +
            `Every file has its hash; the workspace is ${done.workspace_sha256}.`,
        );
    });
}
