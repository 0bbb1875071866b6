import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import { AppError } from '../../errors.ts';
import type { InferRequestType } from 'hono/client';
import { bodyOf } from '../../client/client.ts';
import type { Client, LogLineAnswer, LogsPage } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { OUTAGE_MS_MAX, PAGE_LIMIT, POLL_MS } from '../follow.ts';
import { integer } from '../options.ts';
import { EXAMPLE_ID, examples, printJson } from '../output.ts';
import { renderLogLine } from '../render.ts';

type LogsQuery = InferRequestType<Client['v1']['episodes'][':id']['logs']['$get']>['query'];
type LogStream = LogLineAnswer['stream'];
type LogsOptions = { step?: number; stream?: LogStream; follow?: true; json?: true };

/** Adds `observatory episodes logs`. */
export function registerLogs(episodes: Command, connect: () => Client): void {
  const streams: LogStream[] = ['stdout', 'stderr', 'agent', 'system'];
  takesEpisode(episodes.command('logs'), connect)
    .description('print an episode’s log lines in the order in which they were stored')
    .option('--step <number>', 'only those of this step', integer(1, 2_147_483_647))
    .addOption(new Option('--stream <name>', 'only those of this stream').choices(streams))
    .addOption(new Option('--follow', 'go on until the episode ends').conflicts('json'))
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(`observatory episodes logs ${EXAMPLE_ID} --step 4 --stream stderr`))
    .action(async (id: string, { follow, json, step, stream }: LogsOptions) => {
      const filter = { ...(step !== undefined && { seq: String(step) }), ...(stream && { stream }) };
      const items: LogLineAnswer[] = [];
      for await (const line of readLogs(connect(), id, { filter, follow: follow ?? false })) {
        if (json) items.push(line);
        else process.stdout.write(`${renderLogLine(line)}\n`);
      }
      if (json) printJson({ items });
    });
}

/** Lines as they are stored; with `follow` until the episode ends, else until there is none. Waits for an API that restarts. */
async function* readLogs(
  client: Client,
  id: string,
  { filter, follow }: { filter: { seq?: string; stream?: LogStream }; follow: boolean },
): AsyncGenerator<LogLineAnswer> {
  let cursor: string | null = '';
  let reached = Date.now();
  while (cursor !== null) {
    try {
      const query: LogsQuery = { limit: PAGE_LIMIT, ...filter, ...(cursor !== '' && { cursor }) };
      const page: LogsPage = await bodyOf(client.v1.episodes[':id'].logs.$get({ param: { id }, query }));
      yield* page.items;
      if (page.items.length === 0 && !follow) return;
      cursor = page.next_cursor;
      reached = Date.now();
      // A full page is followed by the next at once.
      if (page.items.length === Number(PAGE_LIMIT) || cursor === null || !follow) continue;
    } catch (error) {
      if (AppError.from(error).retry !== 'patiently' || Date.now() - reached > OUTAGE_MS_MAX) throw error;
    }
    await delay(POLL_MS);
  }
}
