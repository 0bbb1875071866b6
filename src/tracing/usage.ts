import type { Step } from '../schemas/step.ts';

/** Tokens by kind, in Langfuse's names. */
export type UsageByKind = { [kind: string]: number };

/** The tokens of a step by kind, each counted once: they add up to all of them. */
export function usageOf({
  input_tokens,
  cached_tokens,
  output_tokens,
  reasoning_tokens,
}: Pick<Step, 'input_tokens' | 'cached_tokens' | 'output_tokens' | 'reasoning_tokens'>): UsageByKind {
  return {
    input: input_tokens - cached_tokens,
    output: output_tokens - reasoning_tokens,
    ...(cached_tokens > 0 && { input_cached_tokens: cached_tokens }),
    ...(reasoning_tokens > 0 && { output_reasoning_tokens: reasoning_tokens }),
  };
}

/** The cost in Langfuse's form; what nobody knows is left out, for zero would be a price. */
export const costOf = (usd: number | null | undefined): string | null =>
  typeof usd === 'number' ? JSON.stringify({ total: usd }) : null;
