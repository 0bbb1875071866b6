import type { StreamFrame } from '../../api/routes/stream.ts';
import type { OutlineColumns } from '../../schemas/outline.ts';
import type { StepResource } from '../resources.ts';

/** A step as a list shows it. */
export type Row = { [K in keyof OutlineColumns]: OutlineColumns[K][number] };

type StepStart = Extract<StreamFrame, { type: 'step_started' }>['step'];

/** What a row shows of a step's words at most, in UTF-16 units; as the API's outline. */
const TEXT_CHARS_MAX = 72;

/** The rows of an outline's columns. */
export function toRows(columns: OutlineColumns): Row[] {
  const names = Object.keys(columns) as (keyof OutlineColumns)[];
  return columns.seq.map((_, place) =>
    withEnd(Object.fromEntries(names.map((name) => [name, columns[name][place]])) as unknown as Row),
  );
}

/** The row of a step that has just begun. `created_ms` is when its episode was accepted, in Unix time. */
export function rowOfStart(step: StepStart, created_ms: number): Row {
  const { seq, parent_seq, kind, agent, name } = step;
  return {
    seq,
    parent_seq,
    kind,
    agent,
    name,
    status: 'running',
    refused: false,
    at_ms: Date.parse(step.started_at) - created_ms,
    duration_ms: null,
    tokens: 0,
    usd: 0,
    attempts: 1,
    files: 0,
    text: oneLine(subjectOf(step.input) ?? ''),
  };
}

/** The row of a step that has ended. */
export function rowOfEnd(step: StepResource, created_ms: number): Row {
  const { seq, parent_seq, kind, agent, name, status, usd } = step;
  const at_ms = Date.parse(step.started_at) - created_ms;
  return {
    seq,
    parent_seq,
    kind,
    agent,
    name,
    status,
    usd,
    at_ms,
    refused: isRefused(step),
    duration_ms: step.ended_at === null ? null : Date.parse(step.ended_at) - Date.parse(step.started_at),
    tokens: step.input_tokens + step.output_tokens,
    attempts: step.attempt_count,
    files: step.artifacts.filter(({ role }) => role === 'output').length,
    text: oneLine(textOf(step)),
  };
}

/** Whether the work was done and says no. */
function isRefused({ output }: Pick<StepResource, 'output'>): boolean {
  const { success, exit_code, timed_out } = recordOf(recordOf(output)['result']);
  const { decision } = recordOf(recordOf(output)['turn_end']);
  const failed = exit_code !== undefined && exit_code !== null && exit_code !== 0;
  return success === false || failed || timed_out === true || decision === 'REJECTED';
}

/** What a step said, or what it was about, as text of any length. */
export function textOf(step: StepResource): string {
  if (step.error) return step.error.message;
  const output = recordOf(step.output);
  const said = [output['text'], output['content']].find((text) => typeof text === 'string') ?? '';
  if (step.kind === 'thought') return said;
  const { detail } = recordOf(output['result']);
  if (step.kind === 'simulation' && typeof detail === 'string') return detail;
  if (step.kind === 'review' || step.kind === 'simulation' || step.kind === 'human') return said;
  return subjectOf(step.input) ?? said;
}

const SUBJECTS = ['path', 'command', 'query', 'pattern', 'question', 'summary', 'reason', 'text'];

/** Of a call's arguments the one that says what it is about. */
function subjectOf(input: unknown): string | undefined {
  const args = recordOf(input);
  const name = SUBJECTS.find((each) => typeof args[each] === 'string');
  return name === undefined ? undefined : String(args[name]);
}

/** The value's members where it is an object; none otherwise. */
export const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

const oneLine = (text: string): string =>
  shortened(text.slice(0, 400).replaceAll(/\s+/g, ' ').slice(0, TEXT_CHARS_MAX));

/** A text that is as long as it may be is, as a rule, the beginning of a longer one, and says so. */
const shortened = (text: string): string => (text.length < TEXT_CHARS_MAX ? text : `${text.slice(0, -1)}…`);

const withEnd = (row: Row): Row => ({ ...row, text: shortened(row.text) });

/** Whether a step needs to be looked at: it failed, was lost, or its work says no. */
export const isTrouble = ({ status, refused }: Pick<Row, 'status' | 'refused'>): boolean =>
  refused || status === 'error' || status === 'lost';
