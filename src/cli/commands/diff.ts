import type { Command } from 'commander';
import { bodyOf } from '../../client/client.ts';
import type { Client, EpisodeAnswer, StepAnswer } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { listAllSteps } from '../follow.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { duration, oneLine } from '../text.ts';

/** What of an episode's beginning and end is held against another's. */
const FACTS = [
  'task',
  'agent',
  'model',
  'seed',
  'inputs',
  'budgets',
  'approvals',
  'code_version',
  'status',
  'terminal_reason',
  'step_count',
  'attempt_count',
  'input_tokens',
  'output_tokens',
  'usd',
] as const satisfies (keyof EpisodeAnswer)[];
/** What of two steps with the same number is held against each other; ids and times differ always. */
const STEP_FACTS = [
  'kind',
  'agent',
  'name',
  'status',
  'input',
  'output',
  'error',
  'model',
] as const satisfies (keyof StepAnswer)[];
/** A value is shown up to here, in UTF-16 units: `episodes show --step` has all of it. */
const VALUE_CHARS_MAX = 120;

type Difference = { member: string; a: unknown; b: unknown };
type StepDifference = { seq: number; differences: Difference[] };
/** `first_seq` is the first step in which the two differ; null where every step of both is the same. */
type Comparison = {
  episodes: [string, string];
  facts: Difference[];
  first_seq: number | null;
  steps: StepDifference[];
};

/** Adds `observatory episodes diff`: exit code 0 only where nothing differs, as diff has it. */
export function registerDiff(episodes: Command, connect: () => Client): void {
  const command = takesEpisode(episodes.command('diff'), connect, { name: '<a>' });
  takesEpisode(command, connect, { name: '<b>' })
    .description(
      'compare two episodes: how they began and ended, and the steps in which they differ; exit 1 where they do',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(`observatory episodes diff ${EXAMPLE_ID} latest`))
    .action(async (a: string, b: string, { json }: { json?: true }) => {
      const client = connect();
      const read = async (id: string) => {
        const episode = await bodyOf(client.v1.episodes[':id'].$get({ param: { id } }));
        return { episode, steps: await listAllSteps(client, id) };
      };
      const [one, other] = await Promise.all([read(a), read(b)]);
      const comparison = compare(one, other);
      if (json) printJson(comparison);
      else print(render(comparison, one, other));
      if (comparison.facts.length > 0 || comparison.first_seq !== null) process.exitCode = 1;
    });
}

type Recorded = { episode: EpisodeAnswer; steps: StepAnswer[] };

function compare(one: Recorded, other: Recorded): Comparison {
  const facts = differences(one.episode, other.episode, FACTS);
  const last = Math.max(one.steps.at(-1)?.seq ?? 0, other.steps.at(-1)?.seq ?? 0);
  const bySeq = ({ steps }: Recorded) => new Map(steps.map((step) => [step.seq, step]));
  const [ofOne, ofOther] = [bySeq(one), bySeq(other)];
  const steps: StepDifference[] = [];
  for (let seq = 1; seq <= last; seq++) {
    const found = differences(ofOne.get(seq), ofOther.get(seq), STEP_FACTS);
    if (found.length > 0) steps.push({ seq, differences: found });
  }
  return { episodes: [one.episode.id, other.episode.id], facts, first_seq: steps[0]?.seq ?? null, steps };
}

/** The members that are not equal; where one of the two is not there, all that the other has. */
function differences<T extends object>(
  a: T | undefined,
  b: T | undefined,
  members: readonly (keyof T & string)[],
): Difference[] {
  return members.flatMap((member) => {
    const [of_a, of_b] = [a?.[member] ?? null, b?.[member] ?? null];
    return JSON.stringify(of_a) === JSON.stringify(of_b) ? [] : [{ member, a: of_a, b: of_b }];
  });
}

function render({ facts, first_seq, steps }: Comparison, one: Recorded, other: Recorded): string {
  const lines = [`a  ${one.episode.id}  ${tookOf(one)}`, `b  ${other.episode.id}  ${tookOf(other)}`];
  for (const difference of facts) lines.push(...linesOf(difference, ''));
  if (first_seq === null) lines.push(`All ${one.steps.length} steps are the same.`);
  else lines.push(`${steps.length} steps differ, the first is ${first_seq}.`);
  const nameOf = (seq: number) => {
    const step = one.steps.find((each) => each.seq === seq) ?? other.steps.find((each) => each.seq === seq);
    return step ? `${step.kind} ${oneLine(step.name)} of ${oneLine(step.agent)}` : '';
  };
  for (const { seq, differences: found } of steps) {
    const missing = [one, other].findIndex((each) => !each.steps.some((step) => step.seq === seq));
    lines.push(`step ${seq}: ${nameOf(seq)}${missing < 0 ? '' : `, only in ${missing === 0 ? 'b' : 'a'}`}`);
    if (missing < 0) for (const difference of found) lines.push(...linesOf(difference, '  '));
  }
  return lines.join('\n');
}

function linesOf({ member, a, b }: Difference, indent: string): string[] {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  // Long texts begin alike as a rule: they are shown from where they differ.
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
