import type { Command } from 'commander';
import type { InferRequestType, InferResponseType } from 'hono/client';
import type { Environment } from '../../config/config.ts';
import { bodyOf, createClient } from '../../client/client.ts';
import type { Client } from '../../client/client.ts';
import { findConnection } from '../connection.ts';
import { examples, print, printJson } from '../output.ts';
import { duration } from '../text.ts';

type StatisticsApi = Client['v1']['statistics']['$get'];
type StatisticsQuery = InferRequestType<StatisticsApi>['query'];
type StatisticsAnswer = InferResponseType<StatisticsApi, 200>;
type StatisticsOptions = { agent?: string; model?: string; tag?: string; from?: string; to?: string; json?: true };

/** Adds `observatory statistics`. */
export function registerStatistics(program: Command, env: Environment): void {
  program
    .command('statistics')
    .description('count what became of episodes: outcomes, success rate, steps, cost, duration')
    .option('--agent <name>', 'only those of this team of agents')
    .option('--model <name>', 'only those that think with this model')
    .option('--tag <text>', 'only those with this tag')
    .option('--from <time>', 'only those that were accepted then or later (RFC 3339)')
    .option('--to <time>', 'only those that were accepted before')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('observatory statistics --tag my-benchmark'))
    .action(async ({ agent, model, tag, from, to, json }: StatisticsOptions) => {
      const query: StatisticsQuery = {
        ...(agent !== undefined && { agent }),
        ...(model !== undefined && { model }),
        ...(tag !== undefined && { tag }),
        ...(from !== undefined && { created_from: from }),
        ...(to !== undefined && { created_to: to }),
      };
      const statistics = await bodyOf(createClient(findConnection(env)).v1.statistics.$get({ query }));
      if (json) printJson(statistics);
      else print(render(statistics));
    });
}

function render(statistics: StatisticsAnswer): string {
  const { episodes, by_status, by_outcome, success_rate, steps_median, usd_sum, usd_median } = statistics;
  const { duration_s_p50, duration_s_p95 } = statistics;
  const seconds = (value: number | null) => (value === null ? '' : duration(value * 1000));
  const counts = (of: Record<string, number | undefined>) =>
    Object.entries(of)
      .filter(([, count]) => count)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ');
  const facts = {
    Episodes: `${episodes}${episodes === 0 ? '' : `: ${counts(by_status)}`}`,
    Outcomes: counts(by_outcome),
    Approved: success_rate === null ? '' : `${(success_rate * 100).toFixed(1)} % of those that have ended`,
    Steps: steps_median === null ? '' : `${steps_median} (median)`,
    Duration:
      duration_s_p50 === null
        ? ''
        : `${seconds(duration_s_p50)} (median), ${seconds(duration_s_p95)} (95th percentile)`,
    Cost: `${usd_sum ?? 'an unknown amount of'} USD${usd_median === null ? '' : `, ${usd_median} (median)`}`,
  };
  return Object.entries(facts)
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `${`${name}:`.padEnd(10)}${text}`)
    .join('\n');
}
