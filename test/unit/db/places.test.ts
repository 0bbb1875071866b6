import { expect, test } from 'vitest';
import { refusalOf } from '../../../src/db/read/places.ts';

type Steps = Parameters<typeof refusalOf>[0];
const step = (seq: number, changes: Partial<Steps[number]> = {}): Steps[number] => ({
  seq,
  kind: 'tool_call',
  name: 'list_files',
  status: 'ok',
  error: null,
  ...changes,
});
const thought = (seq: number, changes: Partial<Steps[number]> = {}) => step(seq, { kind: 'thought', ...changes });
const approval = (seq: number, changes: Partial<Steps[number]>) =>
  step(seq, { kind: 'human', name: 'approval', ...changes });

test('one goes on from the beginning, and after every thought, call and word of a person that has ended', () => {
  const steps = [thought(1), step(2), step(3, { status: 'error' }), step(4, { kind: 'human', name: 'ask_person' })];
  for (const seq of [0, 1, 2, 3, 4]) expect(refusalOf(steps, seq)).toBeUndefined();
  const declined = approval(5, { status: 'error', error: { code: 'permission_denied', message: 'no' } });
  expect(refusalOf([...steps, declined], 5)).toBeUndefined();
});

test.for<[string, Steps, number, string]>([
  ['a step that is not there', [thought(1)], 7, 'there is no such step. The nearest that can: 1.'],
  ['a step that runs', [thought(1), step(2, { status: 'running' })], 2, 'it has not ended. The nearest that can: 1.'],
  [
    'a step beside one that runs',
    [thought(1), step(2, { status: 'running' }), step(3)],
    3,
    'step 2 before it has not ended. The nearest that can: 1.',
  ],
  [
    'a thought that failed',
    [thought(1, { status: 'error' })],
    1,
    'the thought ended as error, without an answer to go on from. The nearest that can: 0 (the beginning).',
  ],
  [
    'an approval that nobody gave',
    [thought(1), approval(2, { status: 'cancelled' }), step(3, { status: 'cancelled' })],
    2,
    'nobody decided on the approval. The nearest that can: 1 and 3.',
  ],
])('%s is refused, and the nearest places are named', ([, steps, seq, refusal]) => {
  expect(refusalOf(steps, seq)).toBe(`The place after step ${seq} cannot be chosen: ${refusal}`);
});
