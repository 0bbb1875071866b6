import { z } from 'zod';
import { boundedText, Timestamp, Uuid } from './primitives.ts';

const name = boundedText(1, 100);
const comment = boundedText(0, 2_000).nullable().default(null);
/** The number of the step that is meant; null for the episode as a whole. */
const seq = z.number().int().min(1).max(2_147_483_647).nullable().default(null);

/** What somebody says of an episode or of one of its steps: a number, a yes or no, or a category. */
export const NewFeedback = z.discriminatedUnion('data_type', [
  z.strictObject({ data_type: z.literal('NUMERIC'), value: z.number(), name, comment, seq }),
  z.strictObject({ data_type: z.literal('BOOLEAN'), value: z.boolean(), name, comment, seq }),
  z.strictObject({ data_type: z.literal('CATEGORICAL'), value: boundedText(1, 200), name, comment, seq }),
]);
export type NewFeedback = z.infer<typeof NewFeedback>;

/** Feedback as recorded; never changed. `automatic` is our own at an episode's end. */
export const Feedback = z.object({
  id: Uuid,
  episode_id: Uuid,
  step_id: Uuid.nullable(),
  name: z.string(),
  source: z.enum(['person', 'automatic']),
  data_type: z.enum(['NUMERIC', 'BOOLEAN', 'CATEGORICAL']),
  value: z.union([z.number(), z.boolean(), z.string()]),
  comment: z.string().nullable(),
  author: z.string(),
  created_at: Timestamp,
});
export type Feedback = z.infer<typeof Feedback>;
