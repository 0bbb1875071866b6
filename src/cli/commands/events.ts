import type { Command } from 'commander';
import type { InferRequestType, InferResponseType } from 'hono/client';
import { bodyOf } from '../../client/client.ts';
import type { Client } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { listWaiting, PAGE_LIMIT } from '../follow.ts';
import { integer } from '../options.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { renderAsked } from '../render-step.ts';
import { renderEvent } from '../render.ts';

type EventsApi = Client['v1']['episodes'][':id']['events']['$get'];
type EventsQuery = InferRequestType<EventsApi>['query'];
type EventsPage = InferResponseType<EventsApi, 200>;
type EventsOptions = { type?: string; step?: number; from?: string; to?: string; json?: true };

/** Adds `observatory episodes events`. */
export function registerEvents(episodes: Command, connect: () => Client): void {
  takesEpisode(episodes.command('events'), connect)
    .description('print an episode’s events in the order in which they were recorded')
    .option('--type <name>', 'only those of this type, such as simulation_result')
    .option('--step <number>', 'only those of this step', integer(1, 2_147_483_647))
    .option('--from <time>', 'only those that happened then or later (RFC 3339)')
    .option('--to <time>', 'only those that happened before')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(`observatory episodes events ${EXAMPLE_ID} --type review_decision`))
    .action(async (id: string, { type, step, from, to, json }: EventsOptions) => {
      const filter = {
        // The API knows the types and says so.
        ...(type !== undefined && { type: type as NonNullable<EventsQuery['type']> }),
        ...(step !== undefined && { seq: String(step) }),
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
      };
      const client = connect();
      const items: EventsPage['items'] = [];
      for await (const event of readEvents(client, id, filter)) {
        if (json) items.push(event);
        else print(renderEvent(event));
      }
      if (json) return printJson({ items });
      for (const waiting of await listWaiting(client, id)) print(renderAsked(waiting));
    });
}

async function* readEvents(
  client: Client,
  id: string,
  filter: EventsQuery,
): AsyncGenerator<EventsPage['items'][number]> {
  let cursor: string | null = '';
  while (cursor !== null) {
    const query: EventsQuery = { limit: PAGE_LIMIT, ...filter, ...(cursor !== '' && { cursor }) };
    const page: EventsPage = await bodyOf(client.v1.episodes[':id'].events.$get({ param: { id }, query }));
    yield* page.items;
    cursor = page.next_cursor;
  }
}
