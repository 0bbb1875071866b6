import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import { AppError } from '../../errors.ts';
import type { InferRequestType } from 'hono/client';
import { bodyOf } from '../client.ts';
import type { Client, LogsPage } from '../client.ts';
import { integer } from '../options.ts';
import { printable } from '../text.ts';

const POLL_MS = 500;
/** An API that restarts is waited for; one that stays away is not. */
const OUTAGE_MS_MAX = 60_000;
const PAGE_LIMIT = '100';

type LogLine = LogsPage['items'][number];
type LogsQuery = InferRequestType<Client['v1']['episodes'][':id']['logs']['$get']>['query'];
type LogStream = LogLine['stream'];
type LogsOptions = { step?: number; stream?: LogStream; follow?: true; json?: true };

/** Adds `observatory episodes logs`. */
export function registerLogs(episodes: Command, connect: () => Client): void {
  const streams: LogStream[] = ['stdout', 'stderr', 'agent', 'system'];
  episodes
    .command('logs')
    .argument('<id>')
    .description('print an episode’s log lines in the order in which they were stored')
    .option('--step <number>', 'only those of this step', integer(1, 2_147_483_647))
    .addOption(new Option('--stream <name>', 'only those of this stream').choices(streams))
    .addOption(new Option('--follow', 'go on until the episode ends').conflicts('json'))
    .option('--json', 'print one JSON object')
    .action(async (id: string, { follow, json, step, stream }: LogsOptions) => {
      const filter = { ...(step !== undefined && { seq: String(step) }), ...(stream && { stream }) };
      const items: LogLine[] = [];
      for await (const line of readLogs(connect(), id, { filter, follow: follow ?? false })) {
        if (json) items.push(line);
        else process.stdout.write(`${renderLine(line)}\n`);
      }
      if (json) process.stdout.write(`${JSON.stringify({ items })}\n`);
    });
}

/** Lines as they are stored; with `follow` until the episode ends, else until there is none. Waits for an API that restarts. */
async function* readLogs(
  client: Client,
  id: string,
  { filter, follow }: { filter: { seq?: string; stream?: LogStream }; follow: boolean },
): AsyncGenerator<LogLine> {
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

function renderLine({ seq, attempt, stream, text }: LogLine): string {
  const where = seq === null ? '' : `${seq}${attempt > 1 ? `#${attempt}` : ''}`;
  return `${where.padStart(6)}  ${stream.padEnd(6)}  ${printable(text)}`;
}
