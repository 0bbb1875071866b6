import type { Script } from '../models/scripted.ts';
import { SIDEWAYS_BENCHMARK } from './transfer-files.ts';
import { anotherTry, firstScene, handOn } from './transfer-coding.ts';
import { planElectronics, planTransfer, reviewPlan } from './transfer-planning.ts';
import { reviewExecution } from './transfer-review.ts';

/**
 * The same task with a funnel that is only just wide enough: 104 mm succeeds from the nominal spawn and from some of the
 * jittered ones. The coder blames the seeds instead of the funnel, until the reviewer's rounds are used up.
 */
export const narrowFunnel: Script = {
  name: 'narrow-funnel',
  description: 'A funnel that is only just wide enough: it succeeds nominally and is rejected as not robust',
  ...SIDEWAYS_BENCHMARK,
  lines: {
    engineer_planner: planTransfer,
    electronics_planner: planElectronics,
    engineer_plan_reviewer: reviewPlan,
    // With 104 mm each of these seeds succeeds, but only 3 of its 5 jittered spawns do.
    engineer_coder: [
      ...firstScene(104),
      ...handOn,
      ...anotherTry({ round: 1, seed: 11 }),
      ...anotherTry({ round: 2, seed: 10 }),
    ],
    engineer_execution_reviewer: [1, 2, 3].flatMap(reviewExecution),
  },
};
