import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { InferResponseType } from 'hono/client';
import { AppError } from '../../errors.ts';
import type { Environment } from '../../config/config.ts';
import { bodyOf, createClient } from '../../client/client.ts';
import type { Client } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { findConnection } from '../connection.ts';
import { awaitCoverage, findCoverage } from '../coverage.ts';
import type { Coverage } from '../coverage.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { printable } from '../text.ts';

type Audit = InferResponseType<Client['v1']['coverage']['$get'], 200>['items'][number];
type CoverageOptions = { since?: number; repair?: true; json?: true };

const PAGE = '100';
const UNIT_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const SINCE_DEFAULT = '1d';

/** Adds `observatory coverage`: exit code 0 only where every newest audit that it shows is complete. */
export function registerCoverage(program: Command, env: Environment): void {
  const connect = () => createClient(findConnection(env));
  const help = 'one episode; without it all that ended since a time';
  takesEpisode(program.command('coverage'), connect, { name: '[id]', help })
    .description('show newest audits: history, steps, Langfuse and objects held against each other')
    .option(
      '--since <time>',
      `how far back, as 30m, 12h or 7d (without an id; ${SINCE_DEFAULT} unless given)`,
      duration,
    )
    .option('--repair', 'first send again what Langfuse lacks, and audit anew')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(`observatory coverage ${EXAMPLE_ID}`, 'observatory coverage --since 7d --repair'))
    .action(async (id: string | undefined, { since, repair, json }: CoverageOptions) => {
      if (id !== undefined && since !== undefined)
        program.error('error: name an episode, or say since when: not both.', { exitCode: 2 });
      const client = connect();
      if (id !== undefined) {
        const report = await showOne(client, id, repair === true);
        if (json) printJson(report);
        else print(renderCoverage(report));
        if (report.verdict !== 'complete') process.exitCode = 1;
        return;
      }
      const audits = await listSince(client, since ?? duration(SINCE_DEFAULT));
      const items: Audit[] = [];
      for (const audit of audits)
        items.push(repair && audit.verdict !== 'complete' ? await repaired(client, audit) : audit);
      const incomplete = items.filter(({ verdict }) => verdict !== 'complete').length;
      if (json) printJson({ episodes: items.length, incomplete, items });
      else print(renderAudits(items, incomplete));
      if (incomplete > 0) process.exitCode = 1;
    });
}

async function showOne(client: Client, id: string, repair: boolean): Promise<Coverage> {
  if (!repair) return bodyOf(client.v1.episodes[':id'].coverage.$get({ param: { id } }));
  const before = await findCoverage(client, id);
  await bodyOf(client.v1.episodes[':id'].coverage.$post({ param: { id }, json: { repair: true } }));
  const report = await awaitCoverage(client, id, {
    after: before?.checked_at,
    tell: (line) => process.stderr.write(`${line}\n`),
  });
  if (report) return report;
  throw new AppError('deadline_exceeded', 'There is no newer audit yet: look again with `observatory coverage`.');
}

async function repaired(client: Client, { episode_id, ended_at }: Audit): Promise<Audit> {
  const { verdict, checked_at, counts } = await showOne(client, episode_id, true);
  return { episode_id, ended_at, verdict, checked_at, counts };
}

async function listSince(client: Client, ms: number): Promise<Audit[]> {
  const since = new Date(Date.now() - ms).toISOString();
  const all: Audit[] = [];
  let cursor: string | null = null;
  do {
    const query = { since, limit: PAGE, ...(cursor !== null && { cursor }) };
    const page: InferResponseType<Client['v1']['coverage']['$get'], 200> = await bodyOf(
      client.v1.coverage.$get({ query }),
    );
    all.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return all;
}

/** A duration as people write it, in milliseconds. */
function duration(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,4})([mhd])$/.exec(text) ?? [];
  const ms = Number(amount) * (UNIT_MS[unit] ?? 0);
  if (!(ms > 0)) throw new InvalidArgumentError('Write it as 30m, 12h or 7d.');
  return ms;
}

function renderAudits(items: Audit[], incomplete: number): string {
  const lines = items.map(({ episode_id, ended_at, verdict, counts }) => {
    const seen = counts ? `${counts.confirmed} of ${counts.expected} spans` : '';
    return `  ${episode_id}  ${ended_at}  ${(verdict ?? 'unaudited').padEnd(10)}  ${seen}`;
  });
  return [...lines, `${items.length} episodes, ${incomplete} of them not complete.`].join('\n');
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
