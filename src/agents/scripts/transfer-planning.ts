import { stringify } from 'yaml';
import type { BaseMessage } from '@langchain/core/messages';
import type { ScriptedLine } from '../models/scripted.ts';
import { costingOf, lastAnswer } from './read-answers.ts';
import { turn } from './lines.ts';
import { transferFile } from './transfer-files.ts';

const PLAN_REVIEW = '/reviews/engineering-plan-review-round-1.yaml';
const SERVO = 'ServoMotor_DS3218';

/** The planner of the sideways transfer: reads the benchmark, finds a servo, writes the plan and has its costs checked. */
export const planTransfer: readonly ScriptedLine[] = [
  turn(
    'I start with what is given.',
    ['list_files', { path: '/' }],
    ['read_file', { path: '/benchmark_definition.yaml' }],
  ),
  turn('A ball of a quarter kilogram has to be tilted out of a paddle: 0.75 N·m, twice that to be safe.', [
    'search_cots_catalog',
    { query: 'servo >=1.5 N·m under $20' },
  ]),
  (messages) =>
    turn(
      `${servoFound(messages)} A funnel, a tilting paddle, a banked roller bed and a tray: one servo is enough. I write the plan.`,
      ['write_file', { path: '/engineering_plan.md', content: transferFile('engineering_plan.md') }],
      ['write_file', { path: '/todo.md', content: transferFile('todo.md') }],
      ['write_file', { path: '/assembly_definition.yaml', content: transferFile('assembly_definition.yaml') }],
    ),
  turn('Does it stay within cost and weight?', ['validate_costing_and_price', { path: '/assembly_definition.yaml' }]),
  (messages) =>
    turn('The plan is complete.', [
      'submit_engineering_plan',
      {
        summary: `Funnel, servo paddle, banked roller bed and tray: ${costingOf(messages).sums}. See the plan.`,
        files: ['/engineering_plan.md', '/todo.md', '/assembly_definition.yaml'],
      },
    ]),
];

/** The electronics planner: checks the servo and adds its supply to the plan. */
export const planElectronics: readonly ScriptedLine[] = [
  turn(
    'I check the actuator against the load.',
    ['grep', { pattern: 'DS3218', path: '/' }],
    ['search_cots_catalog', { query: '6 V supply' }],
  ),
  () =>
    turn('The servo has torque to spare; I add its supply to the plan.', [
      'edit_file',
      {
        path: '/engineering_plan.md',
        old_string: '\n## Risks',
        new_string: `${transferFile('electronics_note.md')}\n## Risks`,
      },
    ]),
  turn('The electronics are settled.', [
    'submit_engineering_plan',
    { summary: 'One DS3218 on 6 V; the bench has a 3 A supply.', files: ['/engineering_plan.md'] },
  ]),
];

/** The plan's reviewer: decides by what the costing says of the assembly. */
export const reviewPlan: readonly ScriptedLine[] = [
  turn(
    'I hold the plan against the benchmark.',
    ['read_file', { path: '/engineering_plan.md' }],
    ['read_file', { path: '/benchmark_definition.yaml' }],
    ['validate_costing_and_price', { path: '/assembly_definition.yaml' }],
  ),
  (messages) => {
    const { valid, sums } = costingOf(messages);
    const review = {
      round: 1,
      decision: decided(valid),
      checklist: {
        goal_reachable: true,
        corridor_kept_clear: true,
        within_cost_and_weight: valid,
        single_actuator: true,
      },
      reason: reasonOf(valid, sums),
    };
    return turn(valid ? 'Zones, cost, weight and actuator are as asked.' : 'The costing does not hold.', [
      'write_file',
      { path: PLAN_REVIEW, content: stringify(review) },
    ]);
  },
  (messages) => {
    const { valid, sums } = costingOf(messages);
    return turn(valid ? 'The plan is sound.' : 'Back to the planner.', [
      'finish',
      { decision: decided(valid), reason: reasonOf(valid, sums), review_path: PLAN_REVIEW },
    ]);
  },
];

function servoFound(messages: BaseMessage[]): string {
  const { content = '' } = lastAnswer(messages, 'search_cots_catalog') ?? {};
  const found = content.split('\n').find((line) => line.startsWith(`${SERVO}: `));
  return found ? `I take the ${found}.` : 'The search did not show the DS3218 that the task names; I plan with it.';
}

const decided = (valid: boolean) => (valid ? 'APPROVED' : 'REJECTED');
const reasonOf = (valid: boolean, sums: string) =>
  valid ? `The lane is clear of the corridor; ${sums}; one actuator.` : `The assembly does not hold: ${sums}.`;
