import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { AppError } from '../../errors.ts';
import { Transcript } from '../../schemas/transcript.ts';
import { bodyOf } from '../../client/client.ts';
import type { Client, EpisodeAnswer } from '../../client/client.ts';
import { gather, gatherApproval, gatherInput, integer, positive } from '../options.ts';
import type { Approval, InputOption } from '../options.ts';
import { examples, print, printJson } from '../output.ts';
import { renderEpisode } from '../render.ts';
import { uploadInputs } from '../upload.ts';
import type { InputFile } from '../upload.ts';
import { watchEpisode } from '../watch.ts';

/** The model that plays the transcript among the inputs, and where it looks for that. */
const TRANSCRIPT_MODEL = 'scripted:transcript';
const TRANSCRIPT_PATH = '/transcript.json';

type StartOptions = {
  task: string;
  input?: InputOption[];
  transcript?: string;
  agent?: string;
  model?: string;
  seed?: number;
  tag?: string[];
  approval?: Record<string, Approval>;
  budgetSteps?: number;
  budgetTokens?: number;
  budgetUsd?: number;
  budgetWallS?: number;
  idempotencyKey?: string;
  watch?: true;
  json?: true;
};

/** Adds `observatory episodes start`. */
export function registerStart(episodes: Command, connect: () => Client): void {
  episodes
    .command('start')
    .description('start an episode')
    .requiredOption('--task <text>', 'what the agents are to do')
    .option('--input <path=file>', 'a file for the workspace: where it lies there, and the file here', gatherInput)
    .option('--transcript <file>', `a transcript to be played, which makes the model ${TRANSCRIPT_MODEL}`)
    .option('--agent <name>', 'which team of agents; `observatory agents` shows them')
    .option('--model <name>', 'which model they think with')
    .option('--seed <number>', 'the seed of everything random', integer(0, 2_147_483_647))
    .option('--tag <text>', 'a tag; may be given several times', gather)
    .option('--approval <tool=rule>', 'whether calls of a tool run: always, never, or ask a person', gatherApproval)
    .option('--budget-steps <number>', 'end after this many steps', integer(1, 10_000))
    .option('--budget-tokens <number>', 'end after this many tokens', integer(1, 1_000_000_000))
    .option('--budget-usd <number>', 'end after this many US dollars', positive)
    .option('--budget-wall-s <number>', 'end after this many seconds', integer(1, 2_592_000))
    .option('--idempotency-key <text>', 'start it once, however often this is said')
    .option('--watch', 'follow it until it ends; exit 1 unless it completed')
    .option('--json', 'print the episode as one JSON object, and progress to standard error')
    .addHelpText(
      'after',
      examples(
        'observatory episodes start --task "$(cat task.md)" --input /benchmark_definition.yaml=benchmark_definition.yaml --watch',
        'observatory episodes start --task "Say hello" --agent single_engineer --transcript transcript.json --approval finish=ask',
      ),
    )
    .action(async (options: StartOptions) => {
      const client = connect();
      const episode = await start(client, options);
      const stream = options.json ? process.stderr : process.stdout;
      if (!options.watch) {
        if (options.json) printJson(episode);
        else print(`Episode ${episode.id} is ${episode.status}: ${episode.links.self}`);
        return;
      }
      const ended = await watchEpisode(client, episode.id, stream);
      if (ended === undefined) return;
      if (options.json) printJson(ended);
      else print(`\n${renderEpisode(ended, [], { now: Date.now(), stream })}`);
      if (ended.status !== 'completed') process.exitCode = 1;
    });
}

async function start(client: Client, options: StartOptions): Promise<EpisodeAnswer> {
  const { task, input = [], transcript, agent, seed, tag, approval, idempotencyKey } = options;
  const model = options.model ?? (transcript === undefined ? undefined : TRANSCRIPT_MODEL);
  const files = await Promise.all(input.map(async ({ path, file }) => ({ path, content: await readInput(file) })));
  if (transcript !== undefined) files.push(await readTranscript(transcript));
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
    ...(approval && { approvals: approval }),
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

/** The transcript's file as an input. Throws `invalid_argument` that names its first mistake, before an episode meets it. */
async function readTranscript(file: string): Promise<InputFile> {
  const content = await readInput(file);
  const refuse = (why: string) => new AppError('invalid_argument', `The transcript ${file} is malformed: ${why}.`);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(content).toString('utf8'));
  } catch {
    throw refuse('it is not JSON');
  }
  const [issue] = Transcript.safeParse(value).error?.issues ?? [];
  if (issue) throw refuse(`/${issue.path.join('/')}: ${issue.message}`);
  return { path: TRANSCRIPT_PATH, content };
}
