import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { AppError } from '../../errors.ts';
import { bodyOf } from '../../client/client.ts';
import type { Client, EpisodeAnswer } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { listWaiting } from '../follow.ts';
import { integer } from '../options.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';

/** A message or answer whose acknowledgement was lost is sent again, under the same key: it is delivered once. */
const SENDS_MAX = 3;

const toStep = integer(1, 2_147_483_647);

/** Adds what people do in a running episode: `observatory episodes pause`, `resume`, `say`, `answer` and `approve`. */
export function registerPeople(episodes: Command, connect: () => Client): void {
  registerPause(episodes, connect);
  registerSay(episodes, connect);
  registerAnswer(episodes, connect);
}

function registerPause(episodes: Command, connect: () => Client): void {
  takesEpisode(episodes.command('pause'), connect)
    .description('ask an episode to pause before its next thought')
    .option('--reason <text>', 'why, for the record')
    .option('--json', 'print the episode as one JSON object')
    .addHelpText('after', examples(`observatory episodes pause ${EXAMPLE_ID} --reason "I look at the film first"`))
    .action(async (id: string, { reason, json }: { reason?: string; json?: true }) => {
      const said = { param: { id }, json: reason === undefined ? {} : { reason } };
      printState(await bodyOf(connect().v1.episodes[':id'].pause.$post(said)), 'is asked to pause', json);
    });
  takesEpisode(episodes.command('resume'), connect)
    .description('let a paused episode go on')
    .option('--json', 'print the episode as one JSON object')
    .addHelpText('after', examples(`observatory episodes resume ${EXAMPLE_ID}`))
    .action(async (id: string, { json }: { json?: true }) => {
      printState(await bodyOf(connect().v1.episodes[':id'].resume.$post({ param: { id } })), 'is asked to go on', json);
    });
}

function registerSay(episodes: Command, connect: () => Client): void {
  takesEpisode(episodes.command('say'), connect)
    .argument('<text>')
    .description('send the agents a message, which is delivered before their next thought')
    .option('--json', 'print the episode as one JSON object')
    .addHelpText('after', examples(`observatory episodes say ${EXAMPLE_ID} "The tray may not be moved."`))
    .action(async (id: string, text: string, { json }: { json?: true }) => {
      const client = connect();
      const message = { id: randomUUID(), text };
      const send = () => bodyOf(client.v1.episodes[':id'].messages.$post({ param: { id }, header: {}, json: message }));
      printState(await patiently(send), 'has the message', json);
    });
}

type AnswerOptions = { step?: number; decline?: true; json?: true };

function registerAnswer(episodes: Command, connect: () => Client): void {
  const answer = async (id: string, text: string, { step, decline, json }: AnswerOptions) => {
    const client = connect();
    const said = { step: step ?? (await findWaiting(client, id)), approve: decline !== true, text };
    const header = { 'idempotency-key': randomUUID() };
    const send = () => bodyOf(client.v1.episodes[':id'].answers.$post({ param: { id }, header, json: said }));
    printState(await patiently(send), `has the answer to step ${said.step}`, json);
  };
  const stepOption = ['--step <number>', 'the step that waits; not needed where only one does', toStep] as const;
  takesEpisode(episodes.command('answer'), connect)
    .argument('[text]', 'the answer to a question, or a word on an approval', '')
    .description('answer the question, or decide the approval, that a step waits for')
    .option(...stepOption)
    .option('--decline', 'decline the call that waits for an approval')
    .option('--json', 'print the episode as one JSON object')
    .addHelpText(
      'after',
      examples(
        `observatory episodes answer ${EXAMPLE_ID} --step 7 "The left tray."`,
        `observatory episodes answer ${EXAMPLE_ID} --step 9 --decline "Not on a Friday."`,
      ),
    )
    .action(answer);
  takesEpisode(episodes.command('approve'), connect)
    .argument('[text]', 'a word on it', '')
    .description('approve the call that waits for it')
    .option(...stepOption)
    .option('--json', 'print the episode as one JSON object')
    .addHelpText('after', examples(`observatory episodes approve ${EXAMPLE_ID}`))
    .action(answer);
}

/** The number of the one step that waits for a person. Throws `failed_precondition` where there is none, or more than one. */
async function findWaiting(client: Client, id: string): Promise<number> {
  const open = await listWaiting(client, id);
  // A pause waits too, but for `resume`.
  const waiting = open.filter(({ name }) => name !== 'pause').map(({ seq }) => seq);
  const [only] = waiting;
  if (only !== undefined && waiting.length === 1) return only;
  throw new AppError(
    'failed_precondition',
    only === undefined ? 'No step waits for an answer.' : `Steps ${waiting.join(', ')} wait: choose with --step.`,
  );
}

async function patiently<T>(send: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      if (attempt === SENDS_MAX || AppError.from(error).retry !== 'patiently') throw error;
    }
  }
}

function printState(episode: EpisodeAnswer, what: string, json: true | undefined): void {
  if (json) printJson(episode);
  else print(`Episode ${episode.id} ${what}.`);
}
