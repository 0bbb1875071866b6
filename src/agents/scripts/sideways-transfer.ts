import type { Script } from '../models/scripted.ts';
import { SIDEWAYS_BENCHMARK } from './transfer-files.ts';
import { anotherTry, firstScene, handOn, widenFunnel } from './transfer-coding.ts';
import { planElectronics, planTransfer, reviewPlan } from './transfer-planning.ts';
import { reviewExecution } from './transfer-review.ts';

/** The demo: a ball dropped beside a cable corridor is caught and carried into a tray by one servo. */
export const sidewaysTransfer: Script = {
  name: 'sideways-transfer',
  description: 'The motorized sideways transfer: planned, reviewed, coded, failed once in physics, mended and approved',
  ...SIDEWAYS_BENCHMARK,
  lines: {
    engineer_planner: planTransfer,
    electronics_planner: planElectronics,
    engineer_plan_reviewer: reviewPlan,
    engineer_coder: [
      ...firstScene(88),
      ...widenFunnel({ from: 88, to: 140 }),
      ...handOn,
      // Only where the reviewer rejects after all, as it would where nothing could be simulated.
      ...anotherTry({ round: 1, seed: 0 }),
      ...anotherTry({ round: 2, seed: 0 }),
    ],
    engineer_execution_reviewer: [1, 2, 3].flatMap(reviewExecution),
  },
};
