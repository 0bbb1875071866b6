import type { Observation } from '../../../src/schemas/trace.ts';
import { expect, test } from 'vitest';
import { rootRunOf } from '../../../src/identity.ts';
import { compareWitnesses } from '../../../src/tracing/coverage.ts';
import type { CoverageEvidence } from '../../../src/tracing/coverage.ts';

const step = (seq: number, run_id = 'r1', superseded_by: string | null = null) => ({
  run_id,
  seq,
  status: 'ok' as const,
  superseded_by,
  name: 'think',
});
const span = (span_id: string, seq: number | null) => ({
  span_id,
  types: ['GENERATION'],
  seq,
  name: 'think',
  refused: null,
});
const row = (id: string, parentObservationId: string | null = 'root') => ({
  id,
  type: 'GENERATION',
  parentObservationId,
});

const object = { sha256: 'f', size_bytes: 3, stored_bytes: 3, seq: 1, unexplained: false };

const whole = (): CoverageEvidence => ({
  history: { asked: true, items: [1, 2].map((seq) => ({ run_id: 'r1', seq })) },
  inherited: 0,
  steps: [step(1), step(2)],
  spans: [span('a', 1), span('b', 2), { ...span('root', null), types: ['AGENT'] }],
  langfuse: { asked: true, items: [row('a'), row('b'), { ...row('root', null), type: 'agent' }] },
  objects: { asked: true, items: [object] },
});
const found = (evidence: Partial<CoverageEvidence>) => {
  const { verdict, findings } = compareWitnesses({ ...whole(), ...evidence });
  return { verdict, findings: findings.map(({ kind, witness, item }) => `${kind} ${witness} ${item}`) };
};

test('an episode on which all four witnesses agree is complete', () => {
  expect(found({})).toEqual({ verdict: 'complete', findings: [] });
});

test('an audit counts what Langfuse is to show, what of it it shows, and each kind of finding', () => {
  const items = [row('a'), row('a'), { ...row('root', null), type: 'SPAN' }, row('unknown')];
  const { counts } = compareWitnesses({ ...whole(), langfuse: { asked: true, items } });
  expect(counts).toEqual({
    expected: 3,
    confirmed: 2,
    missing: 1,
    doubled: 1,
    orphaned: 1,
    wrongly_typed: 1,
    damaged: 0,
  });
});

test('rows of one span that are alike will merge by themselves, which the finding says; others will not', () => {
  const at = (startTime: string) => ({ ...row('a'), startTime, endTime: '2026-01-02T03:04:06.000Z' });
  const detailOf = (...rows: Observation[]) =>
    compareWitnesses({ ...whole(), langfuse: { asked: true, items: rows } }).findings.find(
      ({ kind }) => kind === 'doubled',
    )?.detail;
  const first = at('2026-01-02T03:04:05.000Z');
  expect(detailOf(first, first)).toBe('think is there 2 times, and will merge: they are alike');
  expect(detailOf(first, at('2026-01-02T03:04:05.500Z'))).toBe('think is there 2 times');
});

test('a witness that was not asked makes the verdict unverified, never complete', () => {
  const absent = { asked: false as const, reason: 'away' };
  for (const witness of ['history', 'langfuse', 'objects'] as const)
    expect(found({ [witness]: absent })).toEqual({ verdict: 'unverified', findings: [] });
});

test.for<[string, Partial<CoverageEvidence>, string]>([
  [
    'an activity without its step',
    { history: { asked: true, items: [1, 2, 3].map((seq) => ({ run_id: 'r1', seq })) } },
    'missing steps r1/3',
  ],
  [
    'a step without an activity',
    { history: { asked: true, items: [{ run_id: 'r1', seq: 1 }] } },
    'orphaned history r1/2',
  ],
  [
    'a gap in the numbers',
    { steps: [step(1), step(3)], history: { asked: true, items: [1, 3].map((seq) => ({ run_id: 'r1', seq })) } },
    'missing steps 2',
  ],
  ['a step that never ended', { steps: [step(1), { ...step(2), status: 'running' }] }, 'missing steps r1/2'],
  ['a span that is not there', { spans: [...whole().spans, span('c', 2)] }, 'missing langfuse c'],
  [
    'a span that is there twice',
    { langfuse: { asked: true, items: [row('a'), row('b'), row('b'), { ...row('root', null), type: 'AGENT' }] } },
    'doubled langfuse b',
  ],
  [
    'a span of the wrong type',
    {
      langfuse: {
        asked: true,
        items: [row('a'), { ...row('b'), type: 'SPAN' }, { ...row('root', null), type: 'AGENT' }],
      },
    },
    'wrongly_typed langfuse b',
  ],
  [
    'a span that nothing explains',
    { spans: whole().spans.filter(({ span_id }) => span_id !== 'b') },
    'orphaned langfuse b',
  ],
  [
    'a span whose parent is not there',
    { langfuse: { asked: true, items: [row('a', 'gone'), row('b'), { ...row('root', null), type: 'AGENT' }] } },
    'orphaned langfuse a',
  ],
  [
    'an object that is gone',
    { objects: { asked: true, items: [{ ...object, stored_bytes: null }] } },
    'missing objects f',
  ],
  [
    'an object of another size',
    { objects: { asked: true, items: [{ ...object, stored_bytes: 2 }] } },
    'damaged objects f',
  ],
  [
    'a file that no attempt explains',
    { objects: { asked: true, items: [{ ...object, unexplained: true }] } },
    'orphaned objects f',
  ],
])('%s is named', ([, evidence, finding]) => {
  expect(found(evidence)).toEqual({ verdict: 'incomplete', findings: [finding] });
});

test('what a reset overtook needs no activity that completed, but its span must be there all the same', () => {
  const overtaken = { steps: [step(1), step(2), step(2, 'r0', 'r1')], spans: [...whole().spans, span('old', 2)] };
  expect(found(overtaken)).toEqual({ verdict: 'incomplete', findings: ['missing langfuse old'] });
});

test('a run that took steps over begins a line, one that only went on continues it', () => {
  const runs = ['a', 'b', 'c', 'd'];
  expect(runs.map((run) => rootRunOf(runs, new Set(['c']), run))).toEqual(['a', 'a', 'c', 'c']);
});

test('a fork is complete without the steps that are its parent’s, and not without the next', () => {
  const own = { steps: [step(42)], history: { asked: true as const, items: [{ run_id: 'r1', seq: 42 }] } };
  expect(found({ ...own, inherited: 41 })).toEqual({ verdict: 'complete', findings: [] });
  expect(found({ ...own, inherited: 40 })).toEqual({ verdict: 'incomplete', findings: ['missing steps 41'] });
});
