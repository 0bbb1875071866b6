import { z } from 'zod';
import { event } from './envelope.ts';
import { AgentText, Amount, Name, Quantity } from './fields.ts';

/** What language models answer. */
export const MODEL_EVENTS = [
  event('model_answered', 1, {
    /** The model's name at its endpoint, and the version that the endpoint names. */
    model: Name,
    model_version: Name.optional(),
    endpoint: Name.optional(),
    response_id: Name.optional(),
    finish_reason: Name.optional(),
    /** How the answer ended, where it is not complete: cut, filtered, refused, empty, malformed. */
    end: Name.optional(),
    text: AgentText,
    reasoning: AgentText.optional(),
    refusal: AgentText.optional(),
    /** Whether a text is only the beginning of what was said: the step holds the whole. */
    shortened: z.boolean(),
    tool_calls: Amount,
    /** Left out where the endpoint does not say. Cached tokens are among the input's, reasoning tokens among the output's. */
    input_tokens: Amount.optional(),
    cached_tokens: Amount.optional(),
    output_tokens: Amount.optional(),
    reasoning_tokens: Amount.optional(),
    /** Left out where nobody said what the model costs. */
    usd: Quantity.optional(),
  }),
] as const;
