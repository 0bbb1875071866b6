import { z } from 'zod';
import type { Json } from '../primitives.ts';

// What events are made of. Lengths count code points, as JSON Schema does, so that what is published is what is taken.

const NAME_CHARS_MAX = 200;
const PATH_CHARS_MAX = 4_096;
/** What an agent wrote or was told, in one member. */
const TEXT_CHARS_MAX = 100_000;
const KEY_CHARS_MAX = 200;
const LIST_ITEMS_MAX = 1_000;

const codePoints = (min: number, max: number) => (text: string) => {
  // No text has more code points than code units, or fewer than half as many.
  if (text.length >= 2 * min && text.length <= max) return true;
  const count = text.length > 2 * max ? Infinity : Array.from(text).length;
  return count >= min && count <= max;
};

/** A name, path or id: Unicode without NUL, or it would not be the same once it is stored. */
export const strictText = (min: number, max: number) =>
  z
    .string()
    .regex(/^[^\u0000]*$/, 'must not contain NUL')
    .refine((text) => text.isWellFormed(), 'must not hold half of a surrogate pair')
    .refine(codePoints(min, max), `must have ${min} to ${max} characters`)
    .meta({ ...(min > 0 && { minLength: min }), maxLength: max });

/** What an agent wrote: whatever a JSON string can hold. */
const agentText = (max: number) =>
  z.string().refine(codePoints(0, max), `must have at most ${max} characters`).meta({ maxLength: max });

export const Name = strictText(1, NAME_CHARS_MAX);
export const Path = strictText(1, PATH_CHARS_MAX);
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
