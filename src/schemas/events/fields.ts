import { z } from 'zod';
import { boundedText, hasCodePoints } from '../primitives.ts';
import type { Json } from '../primitives.ts';

// What events are made of. Lengths are code points, as JSON Schema counts them, so that what is published is what is taken.

const NAME_CHARS_MAX = 200;
const PATH_CHARS_MAX = 4_096;
/** A text that an agent wrote or read, in one member. */
const TEXT_CHARS_MAX = 100_000;
const KEY_CHARS_MAX = 200;
const LIST_ITEMS_MAX = 1_000;

/** What an agent wrote: whatever a JSON string can hold. */
const agentText = (max: number) =>
  z.string().refine(hasCodePoints(0, max), `must have at most ${max} characters`).meta({ maxLength: max });

export const Name = boundedText(1, NAME_CHARS_MAX);
export const Path = boundedText(1, PATH_CHARS_MAX);
export const AgentText = agentText(TEXT_CHARS_MAX);

/** Any JSON, with whatever its strings and keys can hold. */
export const AgentJson: z.ZodType<Json> = z.lazy(() =>
  z.union([
    z.null(),
    z.boolean(),
    z.number(),
    AgentText,
    z.array(AgentJson),
    z.record(agentText(KEY_CHARS_MAX), AgentJson),
  ]),
);
export const AgentJsonObject = z.record(agentText(KEY_CHARS_MAX), AgentJson);

/** A record by names; `value` is what each name has. */
export const named = <T extends z.ZodType>(value: T) => z.record(Name, value);

/** A list of bounded length. */
export const listOf = <T extends z.ZodType>(item: T) => z.array(item).max(LIST_ITEMS_MAX);

/** A number that any double can be: amounts, prices, physical quantities. */
export const Quantity = z.number();
/** A whole number that cannot be negative and that doubles hold exactly. */
export const Amount = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
