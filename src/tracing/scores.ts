import { z } from 'zod';
import type { Episode } from '../schemas/episode.ts';
import type { NewFeedback } from '../schemas/feedback.ts';
import type { Step } from '../schemas/step.ts';

const Simulated = z.object({ result: z.object({ success: z.boolean(), robustness: z.number() }) });
const Costed = z.object({ result: z.object({ cost_usd: z.number(), weight_g: z.number() }) });

/**
 * The scores that an ended episode gets without anybody's judgement: whether it was approved, what its last simulation
 * came to (goal reached, share of jittered spawns), and the last cost (USD) and weight (g) that were computed. What did
 * not happen is not scored.
 */
export function automaticScores(
  { episode, steps }: { episode: Pick<Episode, 'terminal_reason'>; steps: Step[] },
  outputs: ReadonlyMap<string, unknown>,
): NewFeedback[] {
  const line = steps.filter(({ superseded_by, status }) => superseded_by === null && status === 'ok');
  const lastOf = <T>(shape: z.ZodType<T>, is: (step: Step) => boolean) => {
    const step = line.filter(is).at(-1);
    const read = shape.safeParse(step && outputs.get(step.id));
    return step && read.success ? { seq: step.seq, ...read.data } : undefined;
  };
  const simulated = lastOf(Simulated, ({ kind }) => kind === 'simulation');
  const costed = lastOf(Costed, ({ name }) => name === 'validate_costing_and_price');
  const yes = (name: string, value: boolean, seq: number | null): NewFeedback => ({
    data_type: 'BOOLEAN',
    name,
    value,
    seq,
    comment: null,
  });
  const amount = (name: string, value: number, seq: number): NewFeedback => ({
    data_type: 'NUMERIC',
    name,
    value,
    seq,
    comment: null,
  });
  return [
    yes('approved', episode.terminal_reason === 'APPROVED', null),
    ...(simulated
      ? [
          yes('goal_reached', simulated.result.success, simulated.seq),
          amount('robustness', simulated.result.robustness, simulated.seq),
        ]
      : []),
    ...(costed
      ? [amount('cost_usd', costed.result.cost_usd, costed.seq), amount('weight_g', costed.result.weight_g, costed.seq)]
      : []),
  ];
}
