import type { Command } from 'commander';
import type { InferResponseType } from 'hono/client';
import { bodyOf } from '../../client/client.ts';
import type { Client, EpisodeAnswer, StepAnswer } from '../../client/client.ts';
import type { ComparedPair, StepMember } from '../../schemas/comparison.ts';
import { takesEpisode } from '../episode-argument.ts';
import { listAllSteps } from '../follow.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { duration, oneLine } from '../text.ts';

/** A value is told up to here, in UTF-16 units: `episodes show --step` has all of it. */
const VALUE_CHARS_MAX = 120;

/** Adds `observatory episodes diff`: exit code 0 only where nothing differs, as diff has it. */
export function registerDiff(episodes: Command, connect: () => Client): void {
  const command = takesEpisode(episodes.command('diff'), connect, { name: '<a>' });
  takesEpisode(command, connect, { name: '<b>' })
    .description(
      'compare two episodes: how they began and ended, the steps and the files in which they differ; exit 1 where they do',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(`observatory episodes diff ${EXAMPLE_ID} latest`))
    .action(async (a: string, b: string, { json }: { json?: true }) => {
      const client = connect();
      const comparison = await bodyOf(client.v1.comparisons.$get({ query: { a, b } }));
      if (json) printJson(comparison);
      else print(await render(client, comparison));
      if (comparison.facts.length > 0 || comparison.first !== null) process.exitCode = 1;
    });
}

type Comparison = InferResponseType<Client['v1']['comparisons']['$get'], 200>;
type Recorded = { episode: EpisodeAnswer; steps: Map<number, StepAnswer> };

async function render(client: Client, comparison: Comparison): Promise<string> {
  const read = async (id: string): Promise<Recorded> => ({
    episode: await bodyOf(client.v1.episodes[':id'].$get({ param: { id } })),
    steps: new Map((await listAllSteps(client, id)).map((step) => [step.seq, step])),
  });
  const [one, other] = await Promise.all([read(comparison.a), read(comparison.b)]);
  const lines = [`a  ${comparison.a}  ${tookOf(one)}`, `b  ${comparison.b}  ${tookOf(other)}`];
  for (const { member, a, b } of comparison.facts) lines.push(...told(member, '', [a, b]));
  const { steps, first, files } = comparison;
  const different = steps.filter(({ a, b, differs }) => a === null || b === null || differs.length > 0);
  if (first === null) lines.push(`All ${steps.length} steps are the same.`);
  else lines.push(`${different.length} steps differ, the first is ${nameOf(steps[first])}.`);
  for (const pair of different) lines.push(...toldOf(pair, one, other));
  for (const { path, a, b } of files ?? [])
    lines.push(`file ${oneLine(path)}: ${a === null ? 'only in b' : b === null ? 'only in a' : 'differs'}`);
  if (files === null)
    lines.push('Their files cannot be compared: what the workspaces consisted of is no longer stored.');
  return lines.join('\n');
}

/** The number of a pair's step, or both where they are not the same. */
function nameOf(pair: ComparedPair | undefined): string {
  const [a, b] = [pair?.a?.seq, pair?.b?.seq];
  return a === b || b === undefined ? `${a}` : a === undefined ? `${b}` : `${a} (${b} in b)`;
}

function toldOf(pair: ComparedPair, one: Recorded, other: Recorded): string[] {
  const step = pair.a ?? pair.b;
  if (!step) return [];
  const only = pair.a === null ? ', only in b' : pair.b === null ? ', only in a' : '';
  const head = `step ${nameOf(pair)}: ${step.kind} ${oneLine(step.name)} of ${oneLine(step.agent)}${only}`;
  const valueOf = ({ steps }: Recorded, seq: number | undefined, member: StepMember) =>
    (seq === undefined ? undefined : steps.get(seq)?.[member]) ?? null;
  return [
    head,
    ...pair.differs.flatMap((member) =>
      told(member, '  ', [valueOf(one, pair.a?.seq, member), valueOf(other, pair.b?.seq, member)]),
    ),
  ];
}

function told(member: string, indent: string, [a, b]: [unknown, unknown]): string[] {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  // Long texts begin alike as a rule: they are told from where they part.
  let at = 0;
  while (at < left.length && left[at] === right[at]) at++;
  const from = left.length > VALUE_CHARS_MAX || right.length > VALUE_CHARS_MAX ? Math.max(0, at - 20) : 0;
  const cut = (text: string) => {
    const part = text.slice(from, from + VALUE_CHARS_MAX);
    return `${from > 0 ? '…' : ''}${oneLine(part.toWellFormed())}${from + VALUE_CHARS_MAX < text.length ? '…' : ''}`;
  };
  return [`${indent}${member}`, `${indent}  a  ${cut(left)}`, `${indent}  b  ${cut(right)}`];
}

function tookOf({ episode: { started_at, ended_at, status } }: Recorded): string {
  return started_at === null || ended_at === null
    ? status
    : `${status} in ${duration(Date.parse(ended_at) - Date.parse(started_at))}`;
}
