import { structuredPatch } from 'diff';

/** A line of a diff; a gap stands where lines that are the same were left out. */
export type DiffLine = { kind: 'added' | 'removed' | 'same' | 'gap'; text: string };

/** Lines around a change that are shown with it. */
const AROUND = 3;
/** Comparing gives up after so long: then all counts as changed. */
const COMPARING_MS_MAX = 2_000;
const KINDS = { '+': 'added', '-': 'removed', ' ': 'same' } as const;

/** What makes one text of another, line by line. */
export function diffLines(before: string, after: string): DiffLine[] {
  const patch = structuredPatch('', '', before, after, '', '', { context: AROUND, timeout: COMPARING_MS_MAX });
  if (!patch) {
    const all = (text: string, kind: DiffLine['kind']) =>
      text.split('\n').map((line): DiffLine => ({ kind, text: line }));
    return [...all(before, 'removed'), ...all(after, 'added')];
  }
  return patch.hunks.flatMap(({ newStart, lines }): DiffLine[] => [
    { kind: 'gap', text: `line ${newStart}` },
    ...lines.flatMap((line): DiffLine[] => {
      const kind = KINDS[line[0] as keyof typeof KINDS];
      return kind === undefined ? [] : [{ kind, text: line.slice(1) }];
    }),
  ]);
}
