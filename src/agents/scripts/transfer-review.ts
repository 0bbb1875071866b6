import { stringify } from 'yaml';
import type { BaseMessage } from '@langchain/core/messages';
import { SimulationResult } from '../../schemas/simulation.ts';
import type { ScriptedLine } from '../models/scripted.ts';
import { answersOf, costingOf, lastAnswer, simulatedSteps } from './read-answers.ts';
import { turn } from './lines.ts';
import { BY_HAND } from './transfer-coding.ts';

const reviewPath = (round: number) => `/reviews/engineering-execution-review-round-${round}.yaml`;
const folderOf = (step: number) => `/renders/sim-${step}`;
const resultPath = (step: number) => `${folderOf(step)}/simulation_result.json`;

/**
 * The execution reviewer's round `round`, counted from 1: reads the latest simulation's result, looks at its video, and
 * approves only when it succeeded from all jittered spawns and the costing holds.
 */
export const reviewExecution = (round: number): ScriptedLine[] => [
  turn(
    'What was handed on, and what was simulated?',
    ['list_files', { path: '/' }],
    ['list_files', { path: '/renders' }],
    ['read_file', { path: '/journal.md' }],
  ),
  (messages) => {
    const step = simulatedSteps(messages).at(-1);
    if (step === undefined) return turn('There is no simulation to judge.', ['validate_costing_and_price', {}]);
    return turn(
      `The latest simulation is step ${step}. I read its result and look at its video.`,
      ['read_file', { path: resultPath(step), limit: 2_000 }],
      ['inspect_media', { path: `${folderOf(step)}/sim.mp4`, frames: 4 }],
      ['validate_costing_and_price', {}],
    );
  },
  (messages) => {
    const { approved, reason, checklist, evidence } = judge(messages);
    const review = { round, decision: approved ? 'APPROVED' : 'REJECTED', checklist, evidence, reason };
    return turn(approved ? 'It does what was asked.' : 'It does not do what was asked.', [
      'write_file',
      { path: reviewPath(round), content: stringify(review) },
    ]);
  },
  (messages) => {
    const { approved, reason } = judge(messages);
    return turn(approved ? 'Approved.' : 'Rejected.', [
      'finish',
      { decision: approved ? 'APPROVED' : 'REJECTED', reason, review_path: reviewPath(round) },
    ]);
  },
];

/** The decision that follows from what was read and seen. */
function judge(messages: BaseMessage[]) {
  const result = latestResult(messages);
  const costing = costingOf(messages);
  const byHand = answersOf(messages, 'read_file').some(({ content }) => content.includes(BY_HAND));
  const checklist = {
    goal_reached: result?.success ?? false,
    robust_under_jitter: result?.robustness === 1,
    within_cost_and_weight: costing.valid,
    motion_seen_in_video: / % moved/.test(lastAnswer(messages, 'inspect_media')?.content ?? ''),
    scene_written_by_script: !byHand,
  };
  const evidence = {
    simulation_step: simulatedSteps(messages).at(-1) ?? null,
    video_inspected_in_step: lastAnswer(messages, 'inspect_media')?.step ?? null,
  };
  const reasons = reasonsOf(result, costing);
  const approved = reasons.length === 0;
  const note = byHand ? ' No command could be run here: the scene was written by hand.' : '';
  const praise = `${result?.detail ?? ''} All ${result?.jitters.length} jittered spawns reach it; ${costing.sums}.`;
  return { approved, checklist, evidence, reason: (approved ? praise : reasons.join(' ')) + note };
}

function reasonsOf(result: SimulationResult | undefined, costing: { valid: boolean; sums: string }): string[] {
  const reasons: string[] = [];
  if (!result) reasons.push('There is no simulation result to judge by.');
  else if (!result.success) reasons.push(`The latest simulation failed: ${result.failure_reason}: ${result.detail}`);
  if (result && result.robustness < 1) {
    const { length } = result.jitters;
    const reached = Math.round(result.robustness * length);
    reasons.push(`Only ${reached} of ${length} jittered spawns reach the goal: it is to be robust under spawn jitter.`);
  }
  if (!costing.valid) reasons.push(`The costing does not hold: ${costing.sums}.`);
  return reasons;
}

/** The result of the latest simulation, where it was read and is one. */
function latestResult(messages: BaseMessage[]): SimulationResult | undefined {
  const step = simulatedSteps(messages).at(-1);
  if (step === undefined) return undefined;
  const read = answersOf(messages, 'read_file').findLast(({ args }) => args['path'] === resultPath(step));
  if (!read || read.failed) return undefined;
  try {
    return SimulationResult.safeParse(JSON.parse(read.content)).data;
  } catch {
    return undefined; // what is no JSON is no result, and the review says so
  }
}
