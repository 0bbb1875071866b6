import type { ModelPrice, ModelPrices } from '../../schemas/model.ts';
import type { TokenCount } from './usage.ts';

/**
 * List prices of OpenAI's platform (its pricing page, November 2025), US dollars per million tokens. Other models, and
 * other prices, come from MODEL_PRICES.
 */
const LIST_PRICES: ModelPrices = {
  'gpt-5': { input: 1.25, cached: 0.125, output: 10 },
  'gpt-5-mini': { input: 0.25, cached: 0.025, output: 2 },
  'gpt-5-nano': { input: 0.05, cached: 0.005, output: 0.4 },
  'gpt-4.1': { input: 2, cached: 0.5, output: 8 },
  'gpt-4.1-mini': { input: 0.4, cached: 0.1, output: 1.6 },
  'gpt-4.1-nano': { input: 0.1, cached: 0.025, output: 0.4 },
  'gpt-4o': { input: 2.5, cached: 1.25, output: 10 },
  'gpt-4o-mini': { input: 0.15, cached: 0.075, output: 0.6 },
  o3: { input: 2, cached: 0.5, output: 8 },
  'o4-mini': { input: 1.1, cached: 0.275, output: 4.4 },
};

/** A dated snapshot costs what its model costs. */
const SNAPSHOT = /-\d{4}-\d{2}-\d{2}$/;

/** The price of the model, the deployment's own before the list's; undefined where nobody has said one. */
export function findPrice(model: string, own: ModelPrices): ModelPrice | undefined {
  for (const prices of [own, LIST_PRICES])
    for (const name of [model, model.replace(SNAPSHOT, '')]) if (Object.hasOwn(prices, name)) return prices[name];
  return undefined;
}

/** US dollars for these tokens. */
export function costOf(
  price: ModelPrice,
  { input_tokens, cached_tokens, output_tokens }: Omit<TokenCount, 'reasoning_tokens'>,
): number {
  const fresh = input_tokens - cached_tokens;
  return (fresh * price.input + cached_tokens * price.cached + output_tokens * price.output) / 1_000_000;
}
