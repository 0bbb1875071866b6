import { expect, test } from 'vitest';
import { namesTag, parseRange } from '../../../src/api/byte-range.ts';

test.each([
  ['bytes=0-4', { start: 0, end: 4 }],
  ['bytes=5-', { start: 5, end: 9 }],
  ['bytes=-3', { start: 7, end: 9 }],
  ['bytes=-99', { start: 0, end: 9 }],
  ['bytes=8-99', { start: 8, end: 9 }],
  ['BYTES=9-9', { start: 9, end: 9 }],
])('%s of ten bytes is cut to what there is', (header, range) => {
  expect(parseRange(header, 10)).toEqual(range);
});

test.each(['bytes=10-', 'bytes=10-20', 'bytes=-0'])('%s of ten bytes cannot be satisfied', (header) => {
  expect(parseRange(header, 10)).toBe('unsatisfiable');
});

test('no range of nothing can be satisfied', () => {
  expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable');
  expect(parseRange('bytes=-1', 0)).toBe('unsatisfiable');
});

test.each([undefined, '', 'bytes=', 'bytes=-', 'bytes=4-2', 'bytes=0-1,4-5', 'items=0-1', 'bytes=a-b', 'bytes=0x1-2'])(
  '%s asks for all of it',
  (header) => {
    expect(parseRange(header, 10)).toBeUndefined();
  },
);

test('an entity tag is found in a list, weak or strong, and by the star', () => {
  expect(namesTag('"a", W/"b"', '"b"')).toBe(true);
  expect(namesTag('*', '"b"')).toBe(true);
  expect(namesTag('"a"', '"b"')).toBe(false);
  expect(namesTag(undefined, '"b"')).toBe(false);
});
