import { InvalidArgumentError } from 'commander';

/** An option's value as a whole number within bounds; a usage error otherwise. */
export const integer = (min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  return value;
};

/** An option's value as a positive decimal number; a usage error otherwise. */
export function positive(text: string): number {
  const value = Number(text);
  if (!/^\d+(?:\.\d+)?$/.test(text) || value <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

/** Gathers an option that may be given several times. */
export const gather = (text: string, earlier: string[] = []): string[] => [...earlier, text];

/** A file for the workspace, named as `path=file`: where it is to lie there, and which file here it is. */
export type InputOption = { path: string; file: string };

/** Gathers `path=file` options; a usage error for anything else. */
export function gatherInput(text: string, earlier: InputOption[] = []): InputOption[] {
  const [, path, file] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (path === undefined || file === undefined)
    throw new InvalidArgumentError('Write it as <path in the workspace>=<file here>.');
  if (earlier.some((other) => other.path === path)) throw new InvalidArgumentError(`${path} is given twice.`);
  return [...earlier, { path, file }];
}

const APPROVALS = ['always', 'never', 'ask'] as const;
/** Whether a tool's calls run at once, are refused, or wait for a person. */
export type Approval = (typeof APPROVALS)[number];

/** Gathers `tool=rule` options; a usage error for anything else. */
export function gatherApproval(text: string, earlier: Record<string, Approval> = {}): Record<string, Approval> {
  const [, tool, word] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  const rule = APPROVALS.find((one) => one === word);
  if (tool === undefined || rule === undefined)
    throw new InvalidArgumentError(`Write it as <tool>=<rule>, a rule being ${APPROVALS.join(', ')}.`);
  if (Object.hasOwn(earlier, tool)) throw new InvalidArgumentError(`${tool} is given twice.`);
  return { ...earlier, [tool]: rule };
}

/** What a fork or re-run does otherwise than its parent. */
export type Changes = { model?: string; seed?: number };

/** Gathers `name=value` options; a usage error for what cannot be changed. */
export function gatherChange(text: string, earlier: Changes = {}): Changes {
  const [, name, value = ''] = /^(model|seed)=(.+)$/s.exec(text) ?? [];
  if (name === 'model') return { ...earlier, model: value };
  if (name === 'seed') return { ...earlier, seed: integer(0, 2_147_483_647)(value) };
  throw new InvalidArgumentError('Write it as model=<name> or seed=<number>.');
}
