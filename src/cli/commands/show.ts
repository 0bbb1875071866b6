import type { Command } from 'commander';
import { bodyOf } from '../../client/client.ts';
import type { Client } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { listAllSteps } from '../follow.ts';
import { integer } from '../options.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { renderStepDetail } from '../render-step.ts';
import { renderEpisode } from '../render.ts';

type ShowOptions = { step?: number; json?: true };

/** Adds `observatory episodes show`. */
export function registerShow(episodes: Command, connect: () => Client): void {
  takesEpisode(episodes.command('show'), connect)
    .description('show an episode and its steps, or all of one step')
    .option(
      '--step <number>',
      'one step: what it was asked, what came of it, its tries and files',
      integer(1, 2_147_483_647),
    )
    .option('--json', 'print one JSON object: the episode with its steps and replays, or the step')
    .addHelpText(
      'after',
      examples(`observatory episodes show ${EXAMPLE_ID}`, 'observatory episodes show latest --step 12'),
    )
    .action(async (id: string, { step, json }: ShowOptions) => {
      const client = connect();
      if (step !== undefined) {
        const param = { id, seq: String(step) };
        const detail = await bodyOf(client.v1.episodes[':id'].steps[':seq'].$get({ param }));
        if (json) printJson(detail);
        else print(renderStepDetail(detail, process.stdout));
        return;
      }
      const episode = await bodyOf(client.v1.episodes[':id'].$get({ param: { id } }));
      const steps = await listAllSteps(client, id);
      const { items } = await bodyOf(client.v1.episodes[':id'].replays.$get({ param: { id } }));
      const replays = items.filter(({ build }) => build === items[0]?.build);
      if (json) printJson({ ...episode, steps, replays });
      else print(renderEpisode(episode, steps, { now: Date.now(), stream: process.stdout, replays }));
    });
}
