import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import { bodyOf, createClient } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { findConnection } from '../connection.ts';
import { integer } from '../options.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';

type RewindOptions = { step: number; json?: true };

/** Adds `observatory rewind`. */
export function registerRewind(program: Command, env: Environment): void {
  const connect = () => createClient(findConnection(env));
  takesEpisode(program.command('rewind'), connect)
    .description('take an episode back to a step, also one that has ended; what came later is superseded')
    .requiredOption('--step <number>', 'the last step that stays; 0 begins anew', integer(0, 2_147_483_647))
    .option('--json', 'print the episode as one JSON object')
    .addHelpText('after', examples(`observatory rewind ${EXAMPLE_ID} --step 41`))
    .action(async (id: string, { step, json }: RewindOptions) => {
      const client = connect();
      const header = { 'idempotency-key': randomUUID() };
      const episode = await bodyOf(client.v1.episodes[':id'].rewind.$post({ param: { id }, header, json: { step } }));
      if (json) printJson(episode);
      else print(`Episode ${episode.id} goes back to step ${step}.`);
    });
}
