/** What some models cost, in USD for a unit of usage. Langfuse has such a table of hundreds; these stand for them. */
const PRICES: { model: RegExp; usd: Record<string, number> }[] = [
  { model: /^gpt-4o(-2024-\d\d-\d\d)?$/i, usd: { input: 2.5e-6, input_cached_tokens: 1.25e-6, output: 1e-5 } },
  { model: /^gpt-4o-mini(-2024-\d\d-\d\d)?$/i, usd: { input: 1.5e-7, input_cached_tokens: 7.5e-8, output: 6e-7 } },
];

type Amounts = Record<string, number>;

/** The cost of an observation: what was said of it, be it zero; else what its usage costs, where its model is known. */
export function costOf(of: { model: string | null; usage: Amounts; given: Amounts }): Amounts {
  const { model, usage, given } = of;
  if (Object.keys(given).length > 0) return given;
  const known = PRICES.find((price) => model !== null && price.model.test(model));
  if (!known) return {};
  const costs = Object.entries(usage).flatMap(([unit, amount]) => {
    const usd = known.usd[unit];
    return usd === undefined ? [] : [[unit, amount * usd] as const];
  });
  if (costs.length === 0) return {};
  return { ...Object.fromEntries(costs), total: costs.reduce((sum, [, cost]) => sum + cost, 0) };
}
