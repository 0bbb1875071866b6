import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { bodyOf } from '../../client/client.ts';
import type { Client, EpisodeAnswer } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { gatherChange, integer } from '../options.ts';
import type { Changes } from '../options.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';

const STEP_MAX = 2_147_483_647;

const SET = [
  '--set <change>',
  'do it otherwise: model=<name> or seed=<number>; may be given for both',
  gatherChange,
] as const;

type ForkOptions = { step: number; set?: Changes; message?: string; json?: true };
type RerunOptions = { recordedUntil?: number; set?: Changes; json?: true };

/** Adds `observatory episodes fork` and `rerun`. */
export function registerForks(episodes: Command, connect: () => Client): void {
  takesEpisode(episodes.command('fork'), connect)
    .description('begin a new episode that goes on after a step of this one, which stays as it is')
    .requiredOption('--step <number>', 'the last step that both have; 0 begins from nothing', integer(0, STEP_MAX))
    .option(...SET)
    .option('--message <text>', 'a message to the agents, delivered before their next thought')
    .option('--json', 'print the new episode as one JSON object')
    .addHelpText(
      'after',
      examples(
        `observatory episodes fork ${EXAMPLE_ID} --step 41`,
        `observatory episodes fork ${EXAMPLE_ID} --step 41 --set model=default --message "Mind the corridor."`,
      ),
    )
    .action(async (id: string, { step, set = {}, message, json }: ForkOptions) => {
      const request = { step, ...set, ...(message !== undefined && { message }) };
      const header = { 'idempotency-key': randomUUID() };
      const episode = await bodyOf(connect().v1.episodes[':id'].fork.$post({ param: { id }, header, json: request }));
      printState(episode, `goes on after step ${step} of ${id}`, json);
    });
  takesEpisode(episodes.command('rerun'), connect)
    .description('run an episode again as a new one, its answers taken from the record instead of asked for')
    .option('--recorded-until <number>', 'live after this step; the last one where not given', integer(1, STEP_MAX))
    .option(...SET)
    .option('--json', 'print the new episode as one JSON object')
    .addHelpText('after', examples(`observatory episodes rerun ${EXAMPLE_ID} --recorded-until 41`))
    .action(async (id: string, { recordedUntil, set = {}, json }: RerunOptions) => {
      const request = { ...set, ...(recordedUntil !== undefined && { recorded_until: recordedUntil }) };
      const header = { 'idempotency-key': randomUUID() };
      const episode = await bodyOf(connect().v1.episodes[':id'].rerun.$post({ param: { id }, header, json: request }));
      printState(episode, `takes recorded answers up to step ${episode.recorded_until}`, json);
    });
}

function printState(episode: EpisodeAnswer, what: string, json: true | undefined): void {
  if (json) printJson(episode);
  else print(`Episode ${episode.id} ${what}.\nFollow it: observatory episodes tail ${episode.id}`);
}
