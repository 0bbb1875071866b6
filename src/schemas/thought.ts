import { z } from 'zod';
import { Json } from './primitives.ts';

/**
 * How a model's answer ended that is not complete: cut at the limit of its length, filtered by the endpoint, refused by the
 * model, empty (no words and no calls), or with calls that cannot be read.
 */
export const ThoughtEnd = z.enum(['cut', 'filtered', 'refused', 'empty', 'malformed']);
export type ThoughtEnd = z.infer<typeof ThoughtEnd>;

/** The detail of a step's status for each of these. */
export const STEP_DETAILS = {
  cut: 'cut at its length limit',
  filtered: 'filtered by the endpoint',
  refused: 'refused by the model',
  empty: 'empty answer',
  malformed: 'malformed calls',
} as const satisfies Record<ThoughtEnd, string>;

/** What the endpoint says of an answer, in its own words; null where it says nothing. */
export const AnswerFacts = z.object({
  finish_reason: z.string().nullable(),
  response_id: z.string().nullable(),
  /** The model's name and version, as the endpoint has it. */
  model: z.string().nullable(),
  /** The endpoint's name in our configuration. */
  endpoint: z.string().optional(),
});
export type AnswerFacts = z.infer<typeof AnswerFacts>;

const Opaque = z.record(z.string(), Json);

/**
 * What goes back with a message to the provider that said it, as it was: members of the message, of its calls by their ids,
 * and its reasoning (the member that held its text, parts of the content, members of parts). Whatever has another shape,
 * because it was redacted or by another version, does not go back.
 */
export const SentBack = z.object({
  provider: z.string(),
  message: Opaque.optional().catch(undefined),
  calls: z.record(z.string(), Opaque).optional().catch(undefined),
  reasoning: z
    .object({ member: z.string().optional(), parts: z.array(Opaque).optional(), members: Opaque.optional() })
    .optional()
    .catch(undefined),
});
export type SentBack = z.infer<typeof SentBack>;
