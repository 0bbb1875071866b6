import { readFile } from 'node:fs/promises';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { cacheFolder } from '../../config/config.ts';
import type { Environment } from '../../config/config.ts';
import { openReplays, replayTexts } from '../../runtime/replay/deployment-replays.ts';
import type { RunReplay, Watchers } from '../../runtime/replay/deployment-replays.ts';
import { inspectReplay } from '../../runtime/replay/inspect.ts';
import { sentenceOf } from '../../schemas/replay.ts';
import { createClient } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { isZip, readBundledHistories } from '../bundle-file.ts';
import { findConnection, findDeployment } from '../connection.ts';
import { integer } from '../options.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { printable } from '../text.ts';

type ReplayOptions = { all?: true; since?: number; file?: string; inspect?: true | number; json?: true };

/** Adds `observatory replay`: exit code 0 where every run is deterministic, 1 where one is not, 2 when asked wrongly. */
export function registerReplay(program: Command, env: Environment): void {
  const connect = () => createClient(findConnection(env));
  takesEpisode(program.command('replay'), connect, { name: '[id]', help: 'an episode' })
    .description('hold this checkout’s workflow code against what happened; nothing happens again')
    .option('--all', 'every episode')
    .option('--since <duration>', 'every episode that began since then: 7d, 12h, 30m', toSeconds)
    .option('--file <path>', 'a history in JSON, or a bundle; no server is needed')
    .option(
      '--inspect [port]',
      'wait for a debugger, stop at breakpoints in src/workflows, and log where it is',
      toPort,
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      examples(
        `observatory replay ${EXAMPLE_ID}`,
        'observatory replay --since 7d --json',
        'observatory replay --file test/replay/histories/approved.json --inspect',
      ),
    )
    .action(async (id: string | undefined, options: ReplayOptions, command: Command) => {
      const asked = [id, options.all, options.since, options.file].filter((one) => one !== undefined);
      if (asked.length !== 1) command.error('Name one of: an episode, --all, --since, --file.', { exitCode: 2 });
      const watchers = options.inspect === undefined ? {} : inspect(options.inspect);
      const { file, since, json } = options;
      await report(file === undefined ? ofDeployment(env, id, { since, watchers }) : ofFile(env, file, watchers), json);
    });
}

const toPort = integer(0, 65_535);

const inspect = (port: true | number): Watchers =>
  inspectReplay((line) => process.stderr.write(`${line}\n`), port === true ? undefined : port);

async function report(replays: AsyncIterable<RunReplay>, json: true | undefined): Promise<void> {
  const kept: RunReplay[] = [];
  let count = 0;
  let parted = 0;
  for await (const run of replays) {
    count += 1;
    if (run.verdict !== 'deterministic') parted += 1;
    if (json) kept.push(run);
    else print(`${run.episode_id ?? ''}  run ${run.run_id}  ${printable(sentenceOf(run))}`.trimStart());
  }
  if (json) printJson({ deterministic: parted === 0 && count > 0, runs: kept });
  else if (count === 0) print('Nothing was replayed: no run has a history.');
  else if (count > 1)
    print(`${count} runs: ${parted === 0 ? 'all deterministic' : `${parted} are not deterministic`}.`);
  if (parted > 0 || count === 0) process.exitCode = 1;
}

/** An episode of the deployment that the environment or the running stack names, or all of them, or those since. */
async function* ofDeployment(
  env: Environment,
  id: string | undefined,
  { since, watchers }: { since: number | undefined; watchers: Watchers },
): AsyncGenerator<RunReplay> {
  await using replays = await openReplays(findDeployment(env), watchers);
  for await (const episode of id === undefined ? replays.listEpisodes(since) : [id])
    yield* replays.replayEpisode(episode);
}

async function* ofFile(env: Environment, file: string, watchers: Watchers): AsyncGenerator<RunReplay> {
  const cache = cacheFolder(env);
  const texts = (await isZip(file)) ? readBundledHistories(file) : [await readFile(file, 'utf8')];
  yield* replayTexts(texts, { cache, ...watchers });
}

const UNITS_S = { d: 86_400, h: 3_600, m: 60 } as const;

/** A duration as people write it, in seconds; a usage error for anything else. */
function toSeconds(text: string): number {
  const [, count, unit] = /^(\d{1,5})([dhm])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) throw new InvalidArgumentError('Write it as 7d, 12h or 30m.');
  return Number(count) * UNITS_S[unit as keyof typeof UNITS_S];
}
