import { z } from 'zod';
import { boundedText } from './primitives.ts';

const usdPerMillion = z.number().min(0).max(10_000);

/** What a model costs, in US dollars per million tokens. `cached` is the part of the input that the endpoint had cached. */
export const ModelPrice = z.strictObject({ input: usdPerMillion, cached: usdPerMillion, output: usdPerMillion });
export type ModelPrice = z.infer<typeof ModelPrice>;

/** Prices by a model's name at its endpoint. */
export const ModelPrices = z.record(boundedText(1, 200), ModelPrice);
export type ModelPrices = z.infer<typeof ModelPrices>;
