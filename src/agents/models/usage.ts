import { countIn, objectIn } from './loose.ts';
import type { Loose } from './loose.ts';

/** Tokens of one answer: `cached_tokens` are among the input's, `reasoning_tokens` among the output's. */
export type TokenCount = {
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
};

/**
 * What an endpoint says that an answer used so far, in the words of OpenAI, DeepSeek, Moonshot, Anthropic's and Gemini's
 * OpenAI forms, Groq, xAI, Ollama and llama.cpp; undefined where it says nothing, or only zeros.
 */
export function tokensIn(...sources: unknown[]): TokenCount | undefined {
  let tokens: TokenCount | undefined;
  for (const source of sources) tokens = mostOf(tokens, tokensOf(source));
  return tokens;
}

/** The larger of two counts of the same answer: where usage is streamed it grows, and some end with zeros. */
export function mostOf(one: TokenCount | undefined, other: TokenCount | undefined): TokenCount | undefined {
  if (!one || !other) return one ?? other;
  return {
    input_tokens: Math.max(one.input_tokens, other.input_tokens),
    cached_tokens: Math.max(one.cached_tokens, other.cached_tokens),
    output_tokens: Math.max(one.output_tokens, other.output_tokens),
    reasoning_tokens: Math.max(one.reasoning_tokens, other.reasoning_tokens),
  };
}

function tokensOf(source: unknown): TokenCount | undefined {
  const usage = objectIn(source);
  if (!usage) return undefined;
  const total = first(usage, 'total_tokens', 'totalTokenCount');
  const input = inputOf(usage);
  const said = first(usage, 'completion_tokens', 'output_tokens', 'eval_count', 'predicted_n', 'candidatesTokenCount');
  const details = objectIn(usage['completion_tokens_details']) ?? objectIn(usage['output_tokens_details']) ?? {};
  const thought = first(details, 'reasoning_tokens') ?? first(usage, 'reasoning_tokens', 'thoughtsTokenCount');
  // Some leave the reasoning out of the answer's tokens and have it in the total only: it is written, and paid, like the rest.
  const beyond = total === undefined ? 0 : Math.max(0, total - input.all - (said ?? 0));
  const output_tokens = (said ?? 0) + beyond;
  if (input.all + output_tokens === 0) return undefined;
  return {
    input_tokens: input.all,
    cached_tokens: Math.min(input.cached, input.all),
    output_tokens,
    reasoning_tokens: Math.min(thought ?? (said === undefined ? 0 : beyond), output_tokens),
  };
}

function inputOf(usage: Loose): { all: number; cached: number } {
  const details = objectIn(usage['prompt_tokens_details']) ?? objectIn(usage['input_tokens_details']) ?? {};
  const read = first(usage, 'cache_read_input_tokens') ?? 0;
  const cached =
    first(details, 'cached_tokens') ?? first(usage, 'prompt_cache_hit_tokens', 'cached_tokens', 'cache_n') ?? read;
  const prompt = first(usage, 'prompt_tokens', 'prompt_eval_count', 'promptTokenCount');
  if (prompt !== undefined) return { all: prompt, cached };
  // llama.cpp counts what it read anew, Anthropic what was neither cached nor put into the cache.
  const fresh = first(usage, 'prompt_n');
  if (fresh !== undefined) return { all: fresh + (first(usage, 'cache_n') ?? 0), cached };
  const input = first(usage, 'input_tokens') ?? 0;
  const apart =
    usage['cache_read_input_tokens'] === undefined ? 0 : read + (first(usage, 'cache_creation_input_tokens') ?? 0);
  return { all: input + apart, cached };
}

function first(from: Loose, ...names: string[]): number | undefined {
  for (const name of names) {
    const count = countIn(from[name]);
    if (count !== undefined) return count;
  }
  return undefined;
}
