import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TranscriptLine } from '../../../schemas/transcript.ts';
import type { Script } from '../models/scripted.ts';

/** A file that the script's author wrote for an agent to write. */
const text = (name: string) => readFileSync(join(import.meta.dirname, 'sideways-transfer', name), 'utf8');

type Call = [name: string, args: TranscriptLine['calls'][number]['args']];

const turn = (said: string, ...calls: Call[]): TranscriptLine => ({
  text: said,
  calls: calls.map(([name, args]) => ({ name, args })),
  thinking_ms: 0,
});

const JOURNAL = `# Journal
- The first scene came from a funnel mouth of 88 mm, the ball's width and 10 mm: narrower than the plan's 140 mm.
`;

/** The demo: a ball dropped beside a cable corridor is caught and carried into a tray by one servo. */
export const sidewaysTransfer: Script = {
  name: 'sideways-transfer',
  description: 'The motorized sideways transfer: planned, reviewed, coded, mended and approved',
  lines: {
    engineer_planner: [
      turn(
        'I start with what is given.',
        ['list_files', { path: '/' }],
        ['read_file', { path: '/benchmark_definition.yaml' }],
      ),
      () =>
        turn(
          'A funnel, a tilting paddle, a banked roller bed and a tray: one servo is enough. I write the plan.',
          ['write_file', { path: '/engineering_plan.md', content: text('engineering_plan.md') }],
          ['write_file', { path: '/todo.md', content: text('todo.md') }],
          ['write_file', { path: '/assembly_definition.yaml', content: text('assembly_definition.yaml') }],
        ),
      turn('The plan is complete.', [
        'submit_engineering_plan',
        {
          summary: 'Funnel, servo paddle, banked roller bed and tray for 62.50 USD; see the plan.',
          files: ['/engineering_plan.md', '/todo.md', '/assembly_definition.yaml'],
        },
      ]),
    ],
    electronics_planner: [
      turn('I check the actuator against the load.', ['grep', { pattern: 'DS3218', path: '/' }]),
      () =>
        turn('The servo has torque to spare; I add its supply to the plan.', [
          'edit_file',
          {
            path: '/engineering_plan.md',
            old_string: '\n## Risks',
            new_string: `${text('electronics_note.md')}\n## Risks`,
          },
        ]),
      turn('The electronics are settled.', [
        'submit_engineering_plan',
        { summary: 'One DS3218 on 6 V with a 3 A supply.', files: ['/engineering_plan.md'] },
      ]),
    ],
    engineer_plan_reviewer: [
      turn(
        'I hold the plan against the benchmark.',
        ['read_file', { path: '/engineering_plan.md' }],
        ['read_file', { path: '/assembly_definition.yaml' }],
        ['read_file', { path: '/benchmark_definition.yaml' }],
      ),
      () =>
        turn('Zones, cost and actuator are as asked.', [
          'write_file',
          { path: '/reviews/engineering-plan-review-round-1.yaml', content: text('plan_review.yaml') },
        ]),
      turn('The plan is sound.', [
        'finish',
        {
          decision: 'APPROVED',
          reason: 'Lane clear of the corridor, 62.50 of 85.00 USD, one actuator.',
          review_path: '/reviews/engineering-plan-review-round-1.yaml',
        },
      ]),
    ],
    engineer_coder: [
      turn('I read the plan before I write the scene.', ['read_file', { path: '/engineering_plan.md' }]),
      () =>
        turn('The script writes the scene and the funnel mesh.', [
          'write_file',
          { path: '/solution_script.mjs', content: text('solution_script.mjs') },
        ]),
      turn('Does it run?', [
        'execute_command',
        { command: 'node solution_script.mjs && ls -l scene.xml funnel.stl && grep -c "<body " scene.xml' },
      ]),
      turn('The mouth of the funnel is narrower than planned: 140 mm, as the plan says.', [
        'edit_file',
        { path: '/solution_script.mjs', old_string: 'const funnel_width = 88', new_string: 'const funnel_width = 140' },
      ]),
      turn(
        'Once more, and the journal.',
        ['execute_command', { command: 'node solution_script.mjs && ls -l scene.xml' }],
        ['write_file', { path: '/journal.md', content: JOURNAL }],
      ),
      turn('The scene is ready for review.', [
        'submit_for_review',
        { summary: 'solution_script.mjs writes the scene as planned.', files: ['/solution_script.mjs', '/journal.md'] },
      ]),
    ],
    engineer_execution_reviewer: [
      turn(
        'I compare the scene with the plan.',
        ['list_files', { path: '/' }],
        ['grep', { pattern: 'funnel_width', path: '/' }],
        ['read_file', { path: '/journal.md' }],
      ),
      () =>
        turn('It is what was planned.', [
          'write_file',
          { path: '/reviews/engineering-execution-review-round-1.yaml', content: text('execution_review.yaml') },
        ]),
      turn('Approved.', [
        'finish',
        {
          decision: 'APPROVED',
          reason: 'The scene holds every part of the plan.',
          review_path: '/reviews/engineering-execution-review-round-1.yaml',
        },
      ]),
    ],
  },
};
