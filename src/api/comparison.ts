import type { ComparableStep } from '../db/read/comparable.ts';
import type { Comparison, ComparedPair, ComparedStep, StepMember } from '../schemas/comparison.ts';
import type { Episode } from '../schemas/episode.ts';
import type { Json } from '../schemas/primitives.ts';
import type { WorkspaceFile } from '../schemas/workspace.ts';

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
] as const satisfies (keyof Episode)[];

/** What differs of two episodes themselves. */
export function differencesOf(a: Episode, b: Episode): Comparison['facts'] {
  return FACTS.filter((member) => JSON.stringify(a[member]) !== JSON.stringify(b[member])).map((member) => ({
    member,
    a: (a[member] ?? null) as Json,
    b: (b[member] ?? null) as Json,
  }));
}

/** The files that differ between two workspaces, by path. */
export function filesThatDiffer(a: readonly WorkspaceFile[], b: readonly WorkspaceFile[]) {
  const [ofA, ofB] = [a, b].map((files) => new Map(files.map(({ path, sha256 }) => [path, sha256])));
  return [...new Set([...a, ...b].map(({ path }) => path))]
    .toSorted()
    .map((path) => ({ path, a: ofA?.get(path) ?? null, b: ofB?.get(path) ?? null }))
    .filter((file) => file.a !== file.b);
}

/**
 * The steps of two lines side by side: those with one key (a fork shares its parent's) are in one place, and between two such
 * places those that the longest common subsequence of what was done pairs, equal ones first.
 */
export function alignSteps(a: readonly ComparableStep[], b: readonly ComparableStep[]): ComparedPair[] {
  const placesInB = new Map(b.map(({ step_key }, place) => [step_key, place]));
  const pairs: ComparedPair[] = [];
  let [fromA, fromB] = [0, 0];
  const upTo = (untilA: number, untilB: number) =>
    pairs.push(...alignBetween(a.slice(fromA, untilA), b.slice(fromB, untilB)));
  for (const [placeA, step] of a.entries()) {
    const placeB = placesInB.get(step.step_key);
    const same = placeB === undefined ? undefined : b[placeB];
    if (placeB === undefined || same === undefined || placeB < fromB) continue;
    upTo(placeA, placeB);
    pairs.push(pairOf(step, same));
    [fromA, fromB] = [placeA + 1, placeB + 1];
  }
  upTo(a.length, b.length);
  return pairs;
}

/** Cells of the table of one comparison: 16 MB. Larger stretches without a common key are paired in their order. */
const CELLS_MAX = 4_000_000;

function alignBetween(a: readonly ComparableStep[], b: readonly ComparableStep[]): ComparedPair[] {
  if (a.length * b.length > CELLS_MAX)
    return Array.from({ length: Math.max(a.length, b.length) }, (_, place) => pairOf(a[place], b[place]));
  const width = b.length + 1;
  // best[i, j]: how much the steps from i of one and from j of the other have in common.
  const best = new Int32Array((a.length + 1) * width);
  const at = (i: number, j: number) => best[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) {
      const common = likeness(a[i], b[j]);
      const paired = common === 0 ? 0 : common + at(i + 1, j + 1);
      best[i * width + j] = Math.max(paired, at(i + 1, j), at(i, j + 1));
    }
  const pairs: ComparedPair[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const common = likeness(a[i], b[j]);
    if (common > 0 && at(i, j) === common + at(i + 1, j + 1)) pairs.push(pairOf(a[i++], b[j++]));
    else if (j >= b.length || (i < a.length && at(i, j) === at(i + 1, j))) pairs.push(pairOf(a[i++], undefined));
    else pairs.push(pairOf(undefined, b[j++]));
  }
  return pairs;
}

/** How much two steps have in common: nothing unless they did the same, more where they were asked or came to the same. */
function likeness(a: ComparableStep | undefined, b: ComparableStep | undefined): number {
  if (!a || !b || a.kind !== b.kind || a.agent !== b.agent || a.name !== b.name) return 0;
  return 2 + Number(a.input_hash === b.input_hash) + Number(a.output_hash === b.output_hash);
}

function pairOf(a: ComparableStep | undefined, b: ComparableStep | undefined): ComparedPair {
  return { a: a ? toCompared(a) : null, b: b ? toCompared(b) : null, differs: a && b ? membersThatDiffer(a, b) : [] };
}

const MEMBERS = {
  kind: 'kind',
  agent: 'agent',
  name: 'name',
  status: 'status',
  input: 'input_hash',
  output: 'output_hash',
  error: 'error_hash',
  model: 'model',
} as const satisfies Record<StepMember, keyof ComparableStep>;

const membersThatDiffer = (a: ComparableStep, b: ComparableStep): StepMember[] =>
  (Object.keys(MEMBERS) as StepMember[]).filter((member) => a[MEMBERS[member]] !== b[MEMBERS[member]]);

const toCompared = ({ seq, kind, agent, name, status, duration_ms, usd, text }: ComparableStep): ComparedStep => ({
  seq,
  kind,
  agent,
  name,
  status,
  duration_ms,
  usd,
  text,
});

/** Whether a pair is not the same step twice. */
export const isDifferent = ({ a, b, differs }: ComparedPair): boolean => a === null || b === null || differs.length > 0;
