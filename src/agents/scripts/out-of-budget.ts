import type { Script, ScriptedLine } from '../models/scripted.ts';
import { simulationsOf } from './read-answers.ts';
import { turn } from './lines.ts';
import { handWrittenScene, SIDEWAYS_BENCHMARK } from './transfer-files.ts';

/** Five steps each: more than the largest budget that an episode gets unasked. */
const ATTEMPTS = 100;
/** The servo's gain in the scene, and by how much each attempt raises it. */
const GAIN = 20;
const GAIN_STEP = 2;

/** An engineer who tunes the servo although the ball never reaches it, and never finishes: the budget of steps ends it. */
export const outOfBudget: Script = {
  name: 'out-of-budget',
  description: 'An engineer who tunes the wrong part and never finishes: the budget of steps ends the episode',
  ...SIDEWAYS_BENCHMARK,
  lines: {
    engineer: [
      turn(
        'I start with what is given.',
        ['list_files', { path: '/' }],
        ['read_file', { path: '/benchmark_definition.yaml' }],
      ),
      () =>
        turn('I know such a mechanism: a funnel, a paddle with a servo, a bed and a tray.', [
          'write_file',
          { path: '/scene.xml', content: handWrittenScene(88) },
        ]),
      ...Array.from({ length: ATTEMPTS }, (_, attempt) => tune(GAIN + GAIN_STEP * attempt)).flat(),
    ],
  },
};

/** One attempt with this gain, and the next gain set. */
function tune(gain: number): ScriptedLine[] {
  return [
    turn(`With a gain of ${gain} it should work.`, ['simulate', { seed: 0 }]),
    (messages) => {
      const outcome = simulationsOf(messages).at(-1)?.outcome ?? 'There is no result.';
      return turn(
        `${outcome} The servo must be too weak: I raise its gain to ${gain + GAIN_STEP}.`,
        ['edit_file', { path: '/scene.xml', old_string: `kp="${gain}"`, new_string: `kp="${gain + GAIN_STEP}"` }],
        ['grep', { pattern: 'kp=', path: '/scene.xml' }],
      );
    },
  ];
}
