import { expect, it } from 'vitest';
import { automaticScores } from '../../../src/agents/scores.ts';
import { createRegistry } from '../../../src/agents/tools/registry.ts';
import type { Step } from '../../../src/schemas/step.ts';

const step = (seq: number, name: string, more: Partial<Step> = {}) =>
  ({ id: `s${seq}`, seq, name, status: 'ok', superseded_by: null, ...more }) as Step;

it('scores the last good call of each tool in the line, by the tool’s own words', () => {
  const steps = [
    step(1, 'simulate'),
    step(2, 'simulate'),
    step(3, 'simulate', { status: 'error' }),
    step(4, 'simulate', { superseded_by: 'another-run' }),
    step(5, 'validate_costing_and_price'),
    step(6, 'read_file'),
  ];
  const simulated = (success: boolean, robustness: number) => ({ content: '', result: { success, robustness } });
  const outputs = new Map<string, unknown>([
    ['s1', simulated(false, 0)],
    ['s2', simulated(true, 0.8)],
    ['s3', simulated(false, 0.1)],
    ['s4', simulated(false, 0.2)],
    ['s5', { content: '', result: { cost_usd: 62.5, weight_g: 1400 } }],
    ['s6', { content: 'text', result: {} }],
  ]);
  const scores = automaticScores({ episode: { terminal_reason: 'APPROVED' }, steps }, outputs, createRegistry());
  expect(scores.map(({ name, value, seq }) => [name, value, seq])).toEqual(
    expect.arrayContaining([
      ['approved', true, null],
      ['goal_reached', true, 2],
      ['robustness', 0.8, 2],
      ['cost_usd', 62.5, 5],
      ['weight_g', 1400, 5],
    ]),
  );
  expect(scores).toHaveLength(5);
});

it('scores nothing that did not happen', () => {
  const scores = automaticScores(
    { episode: { terminal_reason: 'USER_CANCELLED' }, steps: [] },
    new Map(),
    createRegistry(),
  );
  expect(scores).toEqual([{ data_type: 'BOOLEAN', name: 'approved', value: false, seq: null, comment: null }]);
});
