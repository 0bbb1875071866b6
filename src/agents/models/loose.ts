// Reading of JSON that others made, where a member may be of any shape: what is not of the shape that is asked for is absent.

/** A JSON object of unknown members. */
export type Loose = { [key: string]: unknown };

/** The value where it is an object and no list. */
export const objectIn = (value: unknown): Loose | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : undefined;

/** The value where it is a text with something in it. */
export const textIn = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** The value as a list: itself, nothing where it is absent, else a list of it alone. */
export const listIn = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

/** A whole number of zero or more, also one that was written as a text. */
export function countIn(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && number <= Number.MAX_SAFE_INTEGER
    ? Math.round(number)
    : undefined;
}

/** The JSON that the text is; undefined where it is none. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
