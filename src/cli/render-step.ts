import { stringify } from 'yaml';
import type { StepDetailAnswer } from '../client/client.ts';
import { describeOpenStep } from '../schemas/asked.ts';
import type { OpenStep } from '../schemas/asked.ts';
import { coloured, duration, oneLine, printable } from './text.ts';

/** A model's words and a call's arguments are read whole where one step is looked at; elsewhere up to here, in UTF-16 units. */
const WORDS_CHARS_MAX = 2_000;

/** What a person's open step waits for, and what answers it, indented; '' for one that waits for nothing. */
export function renderAsked(step: OpenStep): string {
  const asked = describeOpenStep(step);
  if (!asked) return '';
  const { sentence, words, commands } = asked;
  const cut = words.length > WORDS_CHARS_MAX;
  const rest = `… the rest: observatory episodes show ${step.episode_id} --step ${step.seq}`;
  const shown = cut ? `${words.slice(0, WORDS_CHARS_MAX).toWellFormed()}\n${rest}` : words;
  const lines = [printable(sentence), ...(shown === '' ? [] : [indented(printable(shown), 2)])];
  return indented([...lines, ...commands.map((command) => `→ ${printable(command)}`)].join('\n'), 6);
}

/** What to show of a step that is open or failed beside its line; '' where there is nothing. */
export function renderPlight(step: OpenStep & Pick<StepDetailAnswer, 'kind' | 'status' | 'error'>): string {
  if (step.kind === 'human' && step.status === 'running') return renderAsked(step);
  return step.error === null ? '' : indented(`${step.error.code}: ${printable(step.error.message)}`, 6);
}

/** One step with all that is on record of it: what it was asked, what came of it, its tries, its files. */
export function renderStepDetail(step: StepDetailAnswer, stream: NodeJS.WriteStream): string {
  const { seq, kind, agent, name, status, served_from, error, model, usd, input_tokens, output_tokens } = step;
  const took = step.ended_at === null ? '' : duration(Date.parse(step.ended_at) - Date.parse(step.started_at));
  const detail = step.status_detail === null ? '' : `, ${step.status_detail}`;
  const facts: [string, string | null][] = [
    ['Step', `${seq}: ${kind} ${oneLine(name)} of ${oneLine(agent)}`],
    [
      'Status',
      `${coloured(status, status, stream)}${detail}${served_from === null ? '' : ', recorded'} ${took}`.trimEnd(),
    ],
    ['Failure', error && `${error.code}: ${printable(error.message)}`],
    ['Began', `${step.started_at}${step.parent_seq === null ? '' : `, asked for by step ${step.parent_seq}`}`],
    [
      'Model',
      model &&
        `${oneLine(model)}, ${input_tokens} tokens in, ${output_tokens} out, ${usd ?? 'an unknown amount of'} USD`,
    ],
    ['Trace', step.trace_url],
  ];
  const tries = step.attempts.map(
    ({ attempt, status: end, worker, error: why }) =>
      `  ${attempt}  ${coloured(end, end, stream)}  ${oneLine(worker)}${why ? `  ${why.code}: ${oneLine(why.message)}` : ''}`,
  );
  const files = step.artifacts.map(
    ({ role, path, size_bytes, sha256 }) => `  ${role.padEnd(6)}  ${oneLine(path)}  ${size_bytes} bytes  ${sha256}`,
  );
  return [
    facts.flatMap(([title, value]) => (value === null ? [] : [`${`${title}:`.padEnd(9)}${value}`])).join('\n'),
    ...section('Input', inYaml(step.input)),
    ...section('Output', inYaml(step.output)),
    ...section('Tries', tries.join('\n')),
    ...section('Files', files.join('\n')),
    ...section('Waits', step.kind === 'human' && status === 'running' ? commandsOf(step) : ''),
  ].join('\n');
}

/** The whole of what is asked is above them. */
const commandsOf = (step: OpenStep): string => indented((describeOpenStep(step)?.commands ?? []).join('\n'), 2);

const section = (title: string, text: string): string[] => (text === '' ? [] : ['', `${title}:`, text]);

/** JSON as people read it: texts as their lines, without what repeats names. */
function inYaml(value: unknown): string {
  if (value === null) return '';
  const text = stringify(value, { lineWidth: 0, blockQuote: 'literal' }).trimEnd();
  return indented(printable(text), 2);
}

const indented = (text: string, by: number): string => text.replaceAll(/^(?=.)/gm, ' '.repeat(by));
