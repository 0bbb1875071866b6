import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { artifactCursor, episodeCursor, logCursor, stepCursor } from '../../../src/api/cursor.ts';

const seq = fc.integer({ min: 1, max: 2_147_483_647 });
const path = fc.string({ unit: 'grapheme', maxLength: 300 }).filter((text) => !text.includes('\u0000'));

describe('a cursor decodes to the place that it was made from', () => {
  test('for an episode', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(episodeCursor.decode(episodeCursor.encode(id))).toBe(id);
      }),
    );
  });
  test('for a step', () => {
    fc.assert(
      fc.property(seq, (place) => {
        expect(stepCursor.decode(stepCursor.encode(place))).toBe(place);
      }),
    );
  });
  test('for a log line', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.option(fc.nat({ max: 65_535 })), (stream_seq, parent) => {
        const place = { parent, stream_seq };
        expect(logCursor.decode(logCursor.encode(place))).toEqual(place);
      }),
    );
  });
  test('for a file', () => {
    fc.assert(
      fc.property(seq, fc.constantFrom('input' as const, 'output' as const), path, (seq, role, path) => {
        const place = { seq, role, path };
        expect(artifactCursor.decode(artifactCursor.encode(place))).toEqual(place);
      }),
    );
  });
});

describe('every text that matches the pattern decodes to a place that the database can hold', () => {
  test('for an episode', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{32}$/), (cursor) => {
        expect(episodeCursor.schema.safeParse(cursor).success).toBe(true);
        expect(episodeCursor.decode(cursor)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      }),
    );
  });
  test('for a step', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-7][0-9a-f]{7}$/), (cursor) => {
        expect(stepCursor.schema.safeParse(cursor).success).toBe(true);
        expect(stepCursor.decode(cursor)).toBeLessThanOrEqual(2_147_483_647);
      }),
    );
  });
  test('for a log line', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^(?:[0-9a-f]{4}-)?[01][0-9a-f]{13}$/), (cursor) => {
        expect(logCursor.schema.safeParse(cursor).success).toBe(true);
        expect(Number.isSafeInteger(logCursor.decode(cursor).stream_seq)).toBe(true);
      }),
    );
  });
  test('for a file', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-7][0-9a-f]{7}[01](?:[0-9a-f]{2}){0,40}$/), (cursor) => {
        expect(artifactCursor.schema.safeParse(cursor).success).toBe(true);
        const { path, seq } = artifactCursor.decode(cursor);
        expect(path).not.toContain('\u0000');
        expect(path.isWellFormed()).toBe(true);
        expect(seq).toBeLessThanOrEqual(2_147_483_647);
      }),
    );
  });
});

test('a file’s cursor stays within what a request line may hold, however long its path', () => {
  const cursor = artifactCursor.encode({ seq: 1, role: 'output', path: '/ä'.repeat(10_000) });
  expect(artifactCursor.schema.safeParse(cursor).success).toBe(true);
  expect(cursor.length).toBeLessThan(8_300);
});
