import type {
  CoverageCounts,
  CoverageFinding,
  CoverageReport,
  CoverageVerdict,
  Witness,
  WitnessAnswer,
} from '../schemas/coverage.ts';
import type { Step } from '../schemas/step.ts';
import type { Observation } from '../schemas/trace.ts';

/** What a witness says, or why it could not be asked. */
export type Testimony<T> = { asked: true; items: T[] } | { asked: false; reason: string };

/** A step as Temporal knows it: an activity that completed recorded it. */
export type CompletedStep = { run_id: string; seq: number };

/** A span that Langfuse is to show. `types` are Langfuse's words that are right for it, upper case. */
export type ExpectedSpan = {
  span_id: string;
  types: string[];
  seq: number | null;
  name: string;
  refused: string | null;
};

/**
 * An object that steps or events refer to, and what the store holds under its hash: a size, or nothing. `unexplained`: no attempt
 * that ended its step made it.
 */
export type ObjectSeen = {
  sha256: string;
  size_bytes: number;
  stored_bytes: number | null;
  seq: number | null;
  unexplained: boolean;
};

export type CoverageEvidence = {
  history: Testimony<CompletedStep>;
  /** The last step that is a parent's: the episode's own are numbered from the next on. */
  inherited: number;
  steps: Pick<Step, 'run_id' | 'seq' | 'status' | 'superseded_by' | 'name'>[];
  spans: ExpectedSpan[];
  langfuse: Testimony<Observation>;
  objects: Testimony<ObjectSeen>;
};

/**
 * Holds the four witnesses against each other and names every item that one knows and another does not, that is there
 * twice, that nothing explains, or that is of the wrong type. Complete only when all were asked and nothing was found.
 */
export function compareWitnesses(
  evidence: CoverageEvidence,
): Pick<CoverageReport, 'verdict' | 'witnesses' | 'counts' | 'findings'> {
  const { history, steps, langfuse, objects } = evidence;
  const findings = [
    ...ofSteps(steps, evidence.inherited),
    ...(history.asked ? ofHistory(history.items, steps) : []),
    ...(langfuse.asked ? ofLangfuse(langfuse.items, evidence.spans) : []),
    ...(objects.asked ? ofObjects(objects.items) : []),
  ];
  const witnesses: Record<Witness, WitnessAnswer> = {
    history: answerOf(history),
    steps: { asked: true, items: steps.length, reason: null },
    langfuse: answerOf(langfuse),
    objects: answerOf(objects),
  };
  const all = Object.values(witnesses).every(({ asked }) => asked);
  const verdict: CoverageVerdict = findings.length > 0 ? 'incomplete' : all ? 'complete' : 'unverified';
  return { verdict, witnesses, counts: countsOf(evidence, findings), findings };
}

function countsOf({ spans, langfuse }: CoverageEvidence, findings: CoverageFinding[]): CoverageCounts {
  const shown = new Set(langfuse.asked ? langfuse.items.map(({ id }) => id) : []);
  const count = (kind: CoverageFinding['kind']) => findings.filter((finding) => finding.kind === kind).length;
  return {
    expected: spans.length,
    confirmed: spans.filter(({ span_id }) => shown.has(span_id)).length,
    missing: count('missing'),
    doubled: count('doubled'),
    orphaned: count('orphaned'),
    wrongly_typed: count('wrongly_typed'),
    damaged: count('damaged'),
  };
}

const answerOf = (testimony: Testimony<unknown>): WitnessAnswer =>
  testimony.asked
    ? { asked: true, items: testimony.items.length, reason: null }
    : { asked: false, items: 0, reason: testimony.reason };

const keyOf = ({ run_id, seq }: CompletedStep) => `${run_id}/${seq}`;

function ofSteps(steps: CoverageEvidence['steps'], inherited: number): CoverageFinding[] {
  const line = steps.filter(({ superseded_by }) => superseded_by === null);
  const numbers = new Set(line.map(({ seq }) => seq));
  const last = Math.max(inherited, ...numbers);
  const own = Array.from({ length: last - inherited }, (_, place) => inherited + place + 1);
  const gaps = own.filter((seq) => !numbers.has(seq));
  return [
    ...gaps.map((seq) => finding('missing', 'steps', { item: `${seq}`, seq, detail: 'no step has this number' })),
    ...steps
      .filter(({ status }) => status === 'running')
      .map((step) => finding('missing', 'steps', { item: keyOf(step), seq: step.seq, detail: 'the step never ended' })),
  ];
}

function ofHistory(completed: CompletedStep[], steps: CoverageEvidence['steps']): CoverageFinding[] {
  const known = new Set(steps.map(keyOf));
  const done = new Map(completed.map((step) => [keyOf(step), step]));
  return [
    ...[...done]
      .filter(([key]) => !known.has(key))
      .map(([item, { seq }]) =>
        finding('missing', 'steps', { item, seq, detail: 'an activity completed, and no step records it' }),
      ),
    // What a reset overtook may have been recorded without Temporal ever hearing of it; the current line may not.
    ...steps
      .filter((step) => step.superseded_by === null && step.status !== 'running' && !done.has(keyOf(step)))
      .map((step) =>
        finding('orphaned', 'history', {
          item: keyOf(step),
          seq: step.seq,
          detail: `no activity that completed recorded ${step.name}`,
        }),
      ),
  ];
}

function ofLangfuse(observations: Observation[], spans: ExpectedSpan[]): CoverageFinding[] {
  const rows = Map.groupBy(observations, ({ id }) => id);
  const expected = new Set(spans.map(({ span_id }) => span_id));
  const perSpan = spans.flatMap(({ span_id: item, types, seq, name, refused }): CoverageFinding[] => {
    const seen = rows.get(item) ?? [];
    if (seen.length === 0) {
      const detail = `${name} is not in Langfuse${refused === null ? '' : `, which refused it: ${refused}`}`;
      return [finding('missing', 'langfuse', { item, seq, detail })];
    }
    const wrong = seen.filter(({ type }) => !types.includes(type.toUpperCase()));
    return [
      ...(seen.length > 1
        ? [finding('doubled', 'langfuse', { item, seq, detail: `${name} is there ${timesOf(seen)}` })]
        : []),
      ...wrong.map(({ type }) =>
        finding('wrongly_typed', 'langfuse', { item, seq, detail: `${name} is ${type}, not ${types.join(' or ')}` }),
      ),
    ];
  });
  const unexplained = [...rows.keys()]
    .filter((id) => !expected.has(id))
    .map((item) => finding('orphaned', 'langfuse', { item, seq: null, detail: 'no step, attempt or run explains it' }));
  const seqOf = new Map(spans.map(({ span_id, seq }) => [span_id, seq]));
  const parentless = [...rows.values()].flatMap(([first]) => {
    const parent = first?.parentObservationId;
    if (!first || !parent || rows.has(parent)) return [];
    const seq = seqOf.get(first.id) ?? null;
    return [finding('orphaned', 'langfuse', { item: first.id, seq, detail: `its parent ${parent} is not there` })];
  });
  return [...perSpan, ...unexplained, ...parentless];
}

/** How often an observation is there. Rows of one start are merged by the server, at a time of its own. */
function timesOf(rows: Observation[]): string {
  const kinds = new Set(rows.map(({ startTime, endTime, type }) => `${startTime}/${endTime}/${type}`));
  return kinds.size === 1 ? `${rows.length} times, and will merge: they are alike` : `${rows.length} times`;
}

function ofObjects(objects: ObjectSeen[]): CoverageFinding[] {
  return objects.flatMap(({ sha256: item, size_bytes, stored_bytes, seq, unexplained }) => {
    const orphan = finding('orphaned', 'objects', {
      item,
      seq,
      detail: 'no attempt that ended its step made this file',
    });
    return [...(unexplained ? [orphan] : []), ...ofBytes({ item, size_bytes, stored_bytes, seq })];
  });
}

function ofBytes(object: { item: string; size_bytes: number; stored_bytes: number | null; seq: number | null }) {
  const { item, size_bytes, stored_bytes, seq } = object;
  if (stored_bytes === null)
    return [finding('missing', 'objects', { item, seq, detail: 'the store has no such object' })];
  if (stored_bytes === size_bytes) return [];
  const detail = `the store holds ${stored_bytes} bytes, not ${size_bytes}`;
  return [finding('damaged', 'objects', { item, seq, detail })];
}

const finding = (
  kind: CoverageFinding['kind'],
  witness: Witness,
  what: Pick<CoverageFinding, 'item' | 'seq' | 'detail'>,
): CoverageFinding => ({ kind, witness, ...what });
