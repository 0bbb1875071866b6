import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import { bodyOf, createClient } from '../../client/client.ts';
import type { Client, EpisodeAnswer } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { findConnection } from '../connection.ts';
import { integer } from '../options.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { renderEpisodes } from '../render.ts';
import { registerEvents } from './events.ts';
import { registerForks } from './forks.ts';
import { registerLogs } from './logs.ts';
import { registerPeople } from './people.ts';
import { registerOpenEpisode } from './open-episode.ts';
import { registerDiff } from './diff.ts';
import { registerFiles } from './files.ts';
import { registerShow } from './show.ts';
import { registerStart } from './start.ts';
import { registerTail } from './tail.ts';

/** Adds `observatory episodes …`. */
export function registerEpisodes(program: Command, env: Environment): void {
  const episodes = program
    .command('episodes')
    .description('start, list, show, follow, speak to, compare, fork, re-run, cancel and delete episodes');
  const connect = () => createClient(findConnection(env));
  registerStart(episodes, connect);
  registerList(episodes, connect);
  registerShow(episodes, connect);
  registerOpenEpisode(episodes, connect, env);
  registerFiles(episodes, connect);
  registerDiff(episodes, connect);
  registerTail(episodes, connect);
  registerLogs(episodes, connect);
  registerEvents(episodes, connect);
  registerPeople(episodes, connect);
  registerForks(episodes, connect);
  registerCancel(episodes, connect);
  registerDelete(episodes, connect);
}

type ListOptions = {
  status?: string;
  agent?: string;
  tag?: string;
  limit?: number;
  cursor?: string;
  json?: true;
};

function registerList(episodes: Command, connect: () => Client): void {
  episodes
    .command('list')
    .description('list episodes, newest first')
    .option('--status <status>', 'only those of this status')
    .option('--agent <name>', 'only those of this team of agents')
    .option('--tag <text>', 'only those with this tag')
    .option('--limit <number>', 'the most to list', integer(1, 100))
    .option('--cursor <cursor>', 'go on where an earlier list ended')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('observatory episodes list --status waiting'))
    .action(async ({ status, agent, tag, limit, cursor, json }: ListOptions) => {
      const query = {
        // The API knows the statuses and says so.
        ...(status !== undefined && { status: status as EpisodeAnswer['status'] }),
        ...(agent !== undefined && { agent }),
        ...(tag !== undefined && { tag }),
        ...(limit !== undefined && { limit: String(limit) }),
        ...(cursor !== undefined && { cursor }),
      };
      const page = await bodyOf(connect().v1.episodes.$get({ query }));
      if (json) printJson(page);
      else if (page.items.length === 0) print('No episodes.');
      else print(renderEpisodes(page.items, Date.now(), process.stdout));
      if (!json && page.next_cursor !== null) print(`There are more: --cursor ${page.next_cursor}`);
    });
}

function registerCancel(episodes: Command, connect: () => Client): void {
  takesEpisode(episodes.command('cancel'), connect)
    .description('ask an episode to stop; its work in progress is recorded')
    .option('--json', 'print the episode as one JSON object')
    .addHelpText('after', examples(`observatory episodes cancel ${EXAMPLE_ID}`))
    .action(async (id: string, { json }: { json?: true }) => {
      const episode = await bodyOf(connect().v1.episodes[':id'].cancel.$post({ param: { id } }));
      if (json) printJson(episode);
      else print(`Episode ${episode.id} is asked to stop.`);
    });
}

function registerDelete(episodes: Command, connect: () => Client): void {
  takesEpisode(episodes.command('delete'), connect)
    .description('delete an ended episode: its steps, logs and traces, and the files that nothing else refers to')
    .option('--json', 'print the episode as one JSON object')
    .addHelpText('after', examples(`observatory episodes delete ${EXAMPLE_ID}`))
    .action(async (id: string, { json }: { json?: true }) => {
      const episode = await bodyOf(connect().v1.episodes[':id'].$delete({ param: { id } }));
      if (json) printJson(episode);
      else print(`Episode ${episode.id} is being deleted.`);
    });
}
