import { z } from 'zod';
import { SEARCH_KINDS } from '../db/read/search.ts';
import type { SearchPlace } from '../db/read/search.ts';
import type { LinePoint } from '../db/read/line.ts';
import { storableText } from '../schemas/primitives.ts';

/** A place in a list as clients hold it, opaque to them. Every text that matches `schema` decodes. */
export type Cursor<T> = { schema: z.ZodString; encode: (place: T) => string; decode: (cursor: string) => T };

/** A path beyond this many bytes is cut in a cursor: the page then repeats entries and skips none. Linux's own bound. */
const PATH_BYTES_MAX = 4_096;
const STEP_DIGITS = 8;
const LOG_DIGITS = 14;
/** A line of more parents than this can count is no line that anybody made. */
const PARENT_DIGITS = 4;
/** Sorted as the database sorts them. */
const ROLES = ['input', 'output'] as const;

const uuidOf = (digits: string) => digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');

/** An episode's id without its dashes. */
export const episodeCursor: Cursor<string> = {
  schema: z.string().regex(/^[0-9a-f]{32}$/),
  encode: (id) => id.replaceAll('-', ''),
  decode: uuidOf,
};

/** A step's number: 31 bits, what a database integer holds. */
export const stepCursor: Cursor<number> = {
  schema: z.string().regex(/^[0-7][0-9a-f]{7}$/),
  encode: (seq) => hex(seq, STEP_DIGITS),
  decode: (cursor) => Number.parseInt(cursor, 16),
};

/** A log line's or event's `stream_seq`: 53 bits, what a JSON number holds; of a parent's, after which parent of the line. */
export const logCursor: Cursor<LinePoint> = {
  schema: z.string().regex(/^(?:[0-9a-f]{4}-)?[01][0-9a-f]{13}$/),
  encode: ({ parent, stream_seq }) =>
    `${parent === null ? '' : `${hex(parent, PARENT_DIGITS)}-`}${hex(stream_seq, LOG_DIGITS)}`,
  decode: (cursor) => ({
    parent: cursor.length === LOG_DIGITS ? null : Number.parseInt(cursor.slice(0, PARENT_DIGITS), 16),
    stream_seq: Number.parseInt(cursor.slice(-LOG_DIGITS), 16),
  }),
};

/** A file's place within an episode. */
export type ArtifactPlace = { seq: number; role: (typeof ROLES)[number]; path: string };

/** A step's number, a digit for the role, and the bytes of the path. Bytes that are no text decode to what stands for them. */
export const artifactCursor: Cursor<ArtifactPlace> = {
  schema: z
    .string()
    .max(STEP_DIGITS + 1 + 2 * PATH_BYTES_MAX)
    .regex(/^[0-7][0-9a-f]{7}[01](?:[0-9a-f]{2})*$/),
  encode: ({ seq, role, path }) =>
    `${hex(seq, STEP_DIGITS)}${ROLES.indexOf(role)}${Buffer.from(path).subarray(0, PATH_BYTES_MAX).toString('hex')}`,
  decode: (cursor) => ({
    seq: Number.parseInt(cursor.slice(0, STEP_DIGITS), 16),
    role: cursor[STEP_DIGITS] === '0' ? 'input' : 'output',
    path: storableText(Buffer.from(cursor.slice(STEP_DIGITS + 1), 'hex').toString('utf8')),
  }),
};

/** A digit for the kind, an id, and a log line's `stream_seq`. */
export const searchCursor: Cursor<SearchPlace> = {
  schema: z.string().regex(/^[012][0-9a-f]{32}[01][0-9a-f]{13}$/),
  encode: ({ kind, id, stream_seq }) =>
    `${SEARCH_KINDS.indexOf(kind)}${id.replaceAll('-', '')}${hex(stream_seq, LOG_DIGITS)}`,
  decode: (cursor) => ({
    kind: SEARCH_KINDS[Number(cursor[0])] ?? 'episode',
    id: uuidOf(cursor.slice(1, 33)),
    stream_seq: Number.parseInt(cursor.slice(33), 16),
  }),
};
