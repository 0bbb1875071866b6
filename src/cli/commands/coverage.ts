import type { Command } from 'commander';
import type { InferResponseType } from 'hono/client';
import type { Environment } from '../../runtime/config.ts';
import { bodyOf, createClient } from '../../client/client.ts';
import type { Client } from '../../client/client.ts';
import { findConnection } from '../connection.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { printable } from '../text.ts';

type Coverage = InferResponseType<Client['v1']['episodes'][':id']['coverage']['$get'], 200>;

/** Adds `observatory coverage`: exit code 0 only where the newest audit is complete. */
export function registerCoverage(program: Command, env: Environment): void {
  program
    .command('coverage')
    .argument('<id>')
    .description('show an episode’s newest audit: history, steps, Langfuse and objects held against each other')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(`observatory coverage ${EXAMPLE_ID}`))
    .action(async (id: string, { json }: { json?: true }) => {
      const client = createClient(findConnection(env));
      const report = await bodyOf(client.v1.episodes[':id'].coverage.$get({ param: { id } }));
      if (json) printJson(report);
      else print(renderCoverage(report));
      if (report.verdict !== 'complete') process.exitCode = 1;
    });
}

function renderCoverage({ verdict, checked_at, witnesses, finding_count, findings }: Coverage): string {
  const witness = ([name, { asked, items, reason }]: [string, Coverage['witnesses']['steps']]) =>
    `  ${name.padEnd(9)} ${asked ? `${items} items` : `not asked: ${printable(reason ?? '')}`}`;
  const lines = findings.map(
    ({ kind, witness: by, seq, item, detail }) =>
      `  ${kind} in ${by}: ${seq === null ? '' : `step ${seq}, `}${item} (${printable(detail)})`,
  );
  const left = finding_count - findings.length;
  return [
    `Coverage is ${verdict} (audited ${checked_at}).`,
    ...Object.entries(witnesses).map(witness),
    ...lines,
    ...(left > 0 ? [`  and ${left} more`] : []),
  ].join('\n');
}
