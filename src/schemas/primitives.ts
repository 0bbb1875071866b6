import { z } from 'zod';

/**
 * Unicode text of bounded length without NUL: all that Postgres text and jsonb can hold, or it would not be the same once it is
 * stored. Lengths are code points, as JSON Schema counts them.
 */
export const boundedText = (min: number, max: number) =>
  z
    .string()
    .regex(/^[^\u0000]*$/, 'must not contain NUL')
    .refine((text) => text.isWellFormed(), 'must not hold half of a surrogate pair')
    .refine(hasCodePoints(min, max), `must have ${min} to ${max} characters`)
    .meta({ ...(min > 0 && { minLength: min }), maxLength: max });

/** Whether the number of a text's code points is within bounds. */
export const hasCodePoints = (min: number, max: number) => (text: string) => {
  // No text has more code points than code units, or fewer than half as many.
  if (text.length >= 2 * min && text.length <= max) return true;
  const count = text.length > 2 * max ? Infinity : Array.from(text).length;
  return count >= min && count <= max;
};

/** A UUID in any version and letter case, as RFC 9562 writes it. */
export const Uuid = z.guid('must be a UUID, such as 0198c0de-7000-7000-8000-000000000000');
export type Uuid = z.infer<typeof Uuid>;

/** SHA-256 in 64 lower-case hexadecimal digits: an artifact's identity. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');
export type Sha256 = z.infer<typeof Sha256>;

/** A point in time as our database hands it out: ISO 8601, UTC, microseconds. */
export const Timestamp = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
export type Timestamp = z.infer<typeof Timestamp>;

/** A count or size that fits a database integer. */
export const Count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Any JSON value without NUL in its strings and keys, as jsonb can hold it. */
export const Json: z.ZodType<Json> = z.lazy(() =>
  z.union([
    z.null(),
    z.boolean(),
    z.number(),
    boundedText(0, 1_000_000),
    z.array(Json),
    z.record(boundedText(0, 200), Json),
  ]),
);

/** A JSON object, the shape of inputs, outputs and metadata. */
export const JsonObject = z.record(boundedText(0, 200), Json);
export type JsonObject = { [key: string]: Json };

/** The text as Postgres can hold it: U+0000 becomes U+2400, a lone surrogate U+FFFD. */
export const storableText = (text: string): string => text.replaceAll('\u0000', '\u2400').toWellFormed();

/** JSON in which members may be left out by being undefined, as our own types write them. */
export type JsonInput = Json | JsonInput[] | { [key: string]: JsonInput | undefined };

/** The value with every string and key in it as Postgres can hold them, and without undefined members. */
export function storableJson(value: JsonInput): Json {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storableJson);
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).filter((entry): entry is [string, JsonInput] => entry[1] !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [storableText(key), storableJson(member)]));
}
