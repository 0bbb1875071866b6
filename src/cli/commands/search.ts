import { Option } from 'commander';
import type { Command } from 'commander';
import type { InferRequestType } from 'hono/client';
import type { Environment } from '../../config/config.ts';
import { bodyOf, createClient } from '../../client/client.ts';
import type { Client } from '../../client/client.ts';
import { SearchKind } from '../../schemas/search.ts';
import { findConnection } from '../connection.ts';
import { integer } from '../options.ts';
import { examples, print, printJson } from '../output.ts';
import { ago, oneLine, table } from '../text.ts';

type SearchQuery = InferRequestType<Client['v1']['search']['$get']>['query'];
type SearchOptions = { kind?: SearchKind; limit?: number; cursor?: string; json?: true };

/** Adds `observatory search`. */
export function registerSearch(program: Command, env: Environment): void {
  program
    .command('search')
    .argument('<words...>', 'what to look for: places where each of them begins a word')
    .description('find words in the tasks, steps and warnings of all episodes')
    .addOption(new Option('--kind <kind>', 'only in these').choices(SearchKind.options))
    .option('--limit <number>', 'the most to list', integer(1, 100))
    .option('--cursor <cursor>', 'go on where an earlier search ended')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('observatory search tray', 'observatory search --kind log servo stalled'))
    .action(async (words: string[], { kind, limit, cursor, json }: SearchOptions) => {
      const query: SearchQuery = {
        q: words.join(' '),
        ...(kind && { kind }),
        ...(limit !== undefined && { limit: String(limit) }),
        ...(cursor !== undefined && { cursor }),
      };
      const page = await bodyOf(createClient(findConnection(env)).v1.search.$get({ query }));
      if (json) return printJson(page);
      if (page.items.length === 0) return print('Nothing was found.');
      const now = Date.now();
      print(
        table(
          page.items,
          [
            { title: 'EPISODE', text: ({ episode_id }) => episode_id },
            { title: 'STEP', right: true, text: ({ seq }) => String(seq ?? '') },
            { title: 'IN', text: (hit) => hit.kind },
            { title: 'WHEN', text: ({ at }) => ago(at, now) },
            { title: 'TEXT', text: ({ text }) => oneLine(text) },
          ],
          process.stdout.isTTY ? process.stdout.columns : undefined,
        ),
      );
      if (page.next_cursor !== null) print(`There is more: --cursor ${page.next_cursor}`);
    });
}
