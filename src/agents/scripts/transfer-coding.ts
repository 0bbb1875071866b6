import type { BaseMessage } from '@langchain/core/messages';
import type { TranscriptLine } from '../../schemas/transcript.ts';
import type { ScriptedLine } from '../models/scripted.ts';
import {
  answersOf,
  commandSucceeded,
  costingOf,
  lastAnswer,
  ranWell,
  readSimulation,
  simulationsOf,
} from './read-answers.ts';
import type { Answer, ReadSimulation } from './read-answers.ts';
import { turn } from './lines.ts';
import { handWrittenScene, solutionScript, transferFile, widthLine } from './transfer-files.ts';

const SCRIPT = '/solution_script.mjs';
const JOURNAL = '/journal.md';
const VALIDATION = '/validation_results.json';

/** By these words of the journal the reviewer knows that no script wrote the scene. */
export const BY_HAND = 'scene.xml was written by hand';

/** The coder's first scene, with a funnel of this width in mm: written, checked, simulated, and what came of it read. */
export const firstScene = (width: number): ScriptedLine[] => [
  turn(
    'I read the plan before I write the scene.',
    ['read_file', { path: '/engineering_plan.md' }],
    ['read_file', { path: '/assembly_definition.yaml' }],
  ),
  () =>
    turn(`The script writes the scene and the funnel mesh. A mouth of ${width} mm lets the ball through.`, [
      'write_file',
      { path: SCRIPT, content: solutionScript(width) },
    ]),
  turn('Does it run?', [
    'execute_command',
    { command: 'node solution_script.mjs && ls -l scene.xml funnel.stl && grep -c "<body " scene.xml' },
  ]),
  (messages) => checkScene(messages, width),
  turn('The scene is complete. I simulate it from the nominal spawn.', ['simulate', { seed: 0 }]),
  (messages) =>
    turn(
      whatHappened(messages),
      ['list_files', { path: '/renders' }],
      ['grep', { pattern: 'funnel_width', path: SCRIPT }],
      ['grep', { pattern: 'entry_funnel', path: '/engineering_plan.md' }],
    ),
];

/** The coder widens the funnel's mouth, in mm, and simulates again. */
export const widenFunnel = ({ from, to }: { from: number; to: number }): ScriptedLine[] => [
  turn(`The mouth of the funnel is ${from} mm wide, the plan says ${to} mm: the ball rolls off its rim. I widen it.`, [
    'edit_file',
    { path: SCRIPT, old_string: widthLine(from).trim(), new_string: widthLine(to).trim() },
  ]),
  turn('I write the scene anew.', ['execute_command', { command: 'node solution_script.mjs && ls -l scene.xml' }]),
  (messages) => checkScene(messages, to),
  turn('Once more, from the same spawn.', ['simulate', { seed: 0 }]),
];

/** The coder writes down what was seen, and hands the solution on. */
export const handOn: readonly ScriptedLine[] = [
  (messages) =>
    turn(
      whatHappened(messages),
      ['list_files', { path: '/renders' }],
      ['validate_costing_and_price', { path: '/assembly_definition.yaml' }],
    ),
  (messages) =>
    turn(
      'I write down what I saw.',
      ['write_file', { path: JOURNAL, content: journalOf(messages), overwrite: true }],
      ['write_file', { path: VALIDATION, content: validationOf(messages), overwrite: true }],
      ['write_file', { path: '/todo.md', content: transferFile('todo.md').replaceAll('[ ]', '[x]'), overwrite: true }],
    ),
  (messages) =>
    turn('I hand it on for review.', [
      'submit_for_review',
      { summary: summaryOf(messages), files: [SCRIPT, '/scene.xml', JOURNAL, VALIDATION] },
    ]),
];

/** The coder's answer to a rejection of round `round`: the same scene once more, from another spawn. */
export const anotherTry = ({ round, seed }: { round: number; seed: number }): ScriptedLine[] => [
  turn('I read the review.', ['read_file', { path: `/reviews/engineering-execution-review-round-${round}.yaml` }]),
  turn(`The nominal run was fine; the jitter may have been unlucky. I try seed ${seed}.`, ['simulate', { seed }]),
  ...handOn,
];

/** The scene that the script wrote is looked at; where the script could not run, the same scene is written by hand. */
function checkScene(messages: BaseMessage[], width: number): TranscriptLine {
  if (commandSucceeded(messages))
    return turn('It runs. Are the zones where the benchmark has them?', [
      'grep',
      { pattern: '<site name="zone_', path: '/scene.xml' },
    ]);
  return turn('The command did not run here. I write the scene by hand, from the numbers in the script.', [
    'write_file',
    { path: '/scene.xml', content: handWrittenScene(width), overwrite: true },
  ]);
}

function whatHappened(messages: BaseMessage[]): string {
  const last = lastAnswer(messages, 'simulate');
  const simulation = last && readSimulation(last);
  if (!simulation) return `The simulation did not run: ${last?.content ?? 'there is no answer'}`;
  return `The simulation says: ${sentenceOf(simulation)}`;
}

/** The journal: every simulation and every change by the number of its step, in the order in which they came. */
function journalOf(messages: BaseMessage[]): string {
  const lines = answersOf(messages).flatMap((answer) => {
    const entry = entryOf(answer);
    return entry === undefined ? [] : [`- ${placeOf(answer)}${entry}\n`];
  });
  return `# Journal\n${lines.join('')}`;
}

/** What the journal says after a step's number; undefined for what is not worth an entry. */
function entryOf(answer: Answer): string | undefined {
  const { name, args, content, failed } = answer;
  if (name === 'simulate') {
    const simulation = readSimulation(answer);
    return simulation ? `, seed ${simulation.seed}: ${sentenceOf(simulation)}` : `: no simulation ran: ${content}`;
  }
  if (name === 'execute_command' && !ranWell(answer))
    return `: the command did not run (${content.trim()}): ${BY_HAND}.`;
  if (name === 'edit_file' && !failed)
    return `: in ${SCRIPT} ${JSON.stringify(args['old_string'])} became ${JSON.stringify(args['new_string'])}.`;
  return undefined;
}

function validationOf(messages: BaseMessage[]): string {
  const results = {
    costing: costingOf(messages),
    simulations: simulationsOf(messages),
    commands: commandSucceeded(messages),
  };
  return `${JSON.stringify(results, null, 2)}\n`;
}

function summaryOf(messages: BaseMessage[]): string {
  const last = simulationsOf(messages).at(-1);
  const how = commandSucceeded(messages) ? '' : ` No command could be run here: ${BY_HAND}.`;
  if (!last) return `There is a scene, but no simulation of it ran.${how}`;
  return `${sentenceOf(last)} See ${placeOf(last)}, seed ${last.seed}; ${costingOf(messages).sums}.${how}`;
}

const placeOf = ({ step }: { step: number | null }) => (step === null ? 'a step' : `step ${step}`);

const sentenceOf = ({ outcome, robust }: ReadSimulation) => `${outcome} Robustness ${robust.succeeded}/${robust.of}.`;
