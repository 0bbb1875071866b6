import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { AppError } from '../../errors.ts';
import type { Environment } from '../../runtime/config.ts';
import { bodyOf, createClient } from '../client.ts';
import type { Client, EpisodeAnswer } from '../client.ts';
import { findConnection } from '../connection.ts';
import { followEpisode, listAllSteps } from '../follow.ts';
import { gather, gatherInput, integer, positive } from '../options.ts';
import type { InputOption } from '../options.ts';
import { renderEpisode, renderEpisodes, renderStep } from '../render.ts';
import { uploadInputs } from '../upload.ts';
import { registerLogs } from './logs.ts';

/** Adds `observatory episodes …`. */
export function registerEpisodes(program: Command, env: Environment): void {
  const episodes = program.command('episodes').description('start, list, show, read the logs of, and cancel episodes');
  const connect = () => createClient(findConnection(env));
  registerStart(episodes, connect);
  registerList(episodes, connect);
  registerShow(episodes, connect);
  registerLogs(episodes, connect);
  registerCancel(episodes, connect);
}

const print = (text: string) => void process.stdout.write(`${text}\n`);
const printJson = (value: object) => print(JSON.stringify(value));

type StartOptions = {
  task: string;
  input?: InputOption[];
  agent?: string;
  model?: string;
  seed?: number;
  tag?: string[];
  budgetSteps?: number;
  budgetTokens?: number;
  budgetUsd?: number;
  budgetWallS?: number;
  idempotencyKey?: string;
  watch?: true;
  json?: true;
};

function registerStart(episodes: Command, connect: () => Client): void {
  episodes
    .command('start')
    .description('start an episode')
    .requiredOption('--task <text>', 'what the agents are to do')
    .option('--input <path=file>', 'a file for the workspace: where it lies there, and the file here', gatherInput)
    .option('--agent <name>', 'which team of agents')
    .option('--model <name>', 'which model they think with')
    .option('--seed <number>', 'the seed of everything random', integer(0, 2_147_483_647))
    .option('--tag <text>', 'a tag; may be given several times', gather)
    .option('--budget-steps <number>', 'end after so many steps', integer(1, 10_000))
    .option('--budget-tokens <number>', 'end after so many tokens', integer(1, 1_000_000_000))
    .option('--budget-usd <number>', 'end after so many US dollars', positive)
    .option('--budget-wall-s <number>', 'end after so many seconds', integer(1, 2_592_000))
    .option('--idempotency-key <text>', 'start it once, however often this is said')
    .option('--watch', 'follow it until it ends; exit 1 unless it completed')
    .option('--json', 'print the episode as one JSON object, and progress to standard error')
    .action(async (options: StartOptions) => {
      const client = connect();
      const episode = await start(client, options);
      const stream = options.json ? process.stderr : process.stdout;
      if (!options.watch) {
        if (options.json) printJson(episode);
        else print(`Episode ${episode.id} is ${episode.status}: ${episode.links.self}`);
        return;
      }
      const ended = await watch(client, episode.id, stream);
      if (ended === undefined) return;
      if (options.json) printJson(ended);
      else print(`\n${renderEpisode(ended, [], { now: Date.now(), stream })}`);
      if (ended.status !== 'completed') process.exitCode = 1;
    });
}

async function start(client: Client, options: StartOptions): Promise<EpisodeAnswer> {
  const { task, input = [], agent, model, seed, tag, idempotencyKey } = options;
  const files = await Promise.all(input.map(async ({ path, file }) => ({ path, content: await readInput(file) })));
  const inputs = await uploadInputs(client, files);
  const budgets = {
    ...(options.budgetSteps !== undefined && { steps: options.budgetSteps }),
    ...(options.budgetTokens !== undefined && { tokens: options.budgetTokens }),
    ...(options.budgetUsd !== undefined && { usd: options.budgetUsd }),
    ...(options.budgetWallS !== undefined && { wall_s: options.budgetWallS }),
  };
  const json = {
    task,
    inputs,
    budgets,
    ...(agent !== undefined && { agent }),
    ...(model !== undefined && { model }),
    ...(seed !== undefined && { seed }),
    ...(tag && { tags: tag }),
  };
  const header = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
  return bodyOf(client.v1.episodes.$post({ json, header }));
}

async function readInput(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new AppError('invalid_argument', `The input ${file} cannot be read.`, { cause: error });
  }
}

/** Follows the episode to its end; Ctrl-C leaves it running, says so, and resolves with undefined. */
async function watch(client: Client, id: string, stream: NodeJS.WriteStream): Promise<EpisodeAnswer | undefined> {
  const interrupted = new AbortController();
  const onSignal = () => interrupted.abort();
  process.once('SIGINT', onSignal);
  stream.write(`Episode ${id}\n`);
  try {
    const { signal } = interrupted;
    return await followEpisode(client, id, { signal, onStep: (step) => stream.write(`${renderStep(step, stream)}\n`) });
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    stream.write(`\nThe episode goes on without being watched. Cancel it: observatory episodes cancel ${id}\n`);
    process.exitCode = 1;
    return undefined;
  } finally {
    process.off('SIGINT', onSignal);
  }
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
    .option('--status <status>', 'only those that stand so')
    .option('--agent <name>', 'only those of this team of agents')
    .option('--tag <text>', 'only those with this tag')
    .option('--limit <number>', 'so many at most', integer(1, 100))
    .option('--cursor <cursor>', 'go on where an earlier list ended')
    .option('--json', 'print one JSON object')
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

function registerShow(episodes: Command, connect: () => Client): void {
  episodes
    .command('show')
    .argument('<id>')
    .description('show an episode and its steps')
    .option('--json', 'print one JSON object: the episode with its steps')
    .action(async (id: string, { json }: { json?: true }) => {
      const client = connect();
      const episode = await bodyOf(client.v1.episodes[':id'].$get({ param: { id } }));
      const steps = await listAllSteps(client, id);
      if (json) printJson({ ...episode, steps });
      else print(renderEpisode(episode, steps, { now: Date.now(), stream: process.stdout }));
    });
}

function registerCancel(episodes: Command, connect: () => Client): void {
  episodes
    .command('cancel')
    .argument('<id>')
    .description('ask an episode to stop; its work in progress is recorded')
    .option('--json', 'print the episode as one JSON object')
    .action(async (id: string, { json }: { json?: true }) => {
      const episode = await bodyOf(connect().v1.episodes[':id'].cancel.$post({ param: { id } }));
      if (json) printJson(episode);
      else print(`Episode ${episode.id} is asked to stop.`);
    });
}
