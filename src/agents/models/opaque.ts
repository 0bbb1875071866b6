import { objectIn } from './loose.ts';
import type { Loose } from './loose.ts';

/** Members of a message that providers want back as they said them; an endpoint may name others in its configuration. */
export const BACK_MEMBERS: ReadonlySet<string> = new Set([
  'encrypted_content',
  'extra_content',
  'provider_specific_fields',
  'reasoning_opaque',
  'reasoning_signature',
  'signature',
  'thought_signature',
]);
/** The same, where what they hold is reasoning in words. */
export const REASONING_MEMBERS: ReadonlySet<string> = new Set(['reasoning_details', 'thinking_blocks']);

/** Texts of streamed parts: pieces of one part are joined in these, and replace each other in all else. */
const JOINED = new Set(['text', 'summary', 'thinking', 'data', 'arguments']);

/** Takes a piece of an opaque value in: lists go on, objects are filled up, anything else is replaced. */
export function joinOpaque(before: unknown, piece: unknown): unknown {
  if (piece === null || piece === undefined || piece === '') return before;
  if (Array.isArray(piece)) return joinParts(Array.isArray(before) ? (before as unknown[]) : [], piece as unknown[]);
  const object = objectIn(piece);
  const earlier = objectIn(before);
  return object && earlier ? filledUp(earlier, object, () => false) : piece;
}

/** A list of parts with further pieces: one of the same index and kind as an earlier one goes on with it, and so does the next thought after a thought. */
export function joinParts(before: readonly unknown[], pieces: readonly unknown[]): unknown[] {
  const parts = [...before];
  for (const piece of pieces) {
    const object = objectIn(piece);
    const place = object
      ? parts.findLastIndex((one, at) => goesOn(objectIn(one), object, at === parts.length - 1))
      : -1;
    const earlier = objectIn(parts[place]);
    if (object && earlier) parts[place] = filledUp(earlier, object, (key) => JOINED.has(key));
    else parts.push(piece);
  }
  return parts;
}

function goesOn(part: Loose | undefined, piece: Loose, isLast: boolean): boolean {
  if (!part || part['type'] !== piece['type']) return false;
  if (piece['index'] !== undefined) return part['index'] === piece['index'];
  if (piece['id'] !== undefined && part['id'] !== piece['id']) return false;
  // A signature closes what it signs.
  return isLast && !part['signature'];
}

function filledUp(before: Loose, piece: Loose, isJoined: (key: string) => boolean): Loose {
  const filled = { ...before };
  for (const [key, value] of Object.entries(piece)) {
    const earlier = filled[key];
    if (value === null || value === undefined || (value === '' && earlier !== undefined)) continue;
    if (isJoined(key) && typeof earlier === 'string' && typeof value === 'string') filled[key] = earlier + value;
    else if (isJoined(key) && Array.isArray(earlier) && Array.isArray(value)) filled[key] = joinParts(earlier, value);
    else filled[key] = value;
  }
  return filled;
}
