import { expect, test } from 'vitest';
import { ago, duration, oneLine, printable, printableJson, table } from '../../../src/cli/text.ts';

const columns = [
  { title: 'ID', text: ({ id }: { id: string; steps: number; task: string }) => id },
  { title: 'STEPS', right: true, text: ({ steps }: { steps: number }) => String(steps) },
  { title: 'TASK', text: ({ task }: { task: string }) => task },
];
const rows = [
  { id: 'a', steps: 7, task: 'Move the ball' },
  { id: 'bcd', steps: 1200, task: 'two\nlines' },
];

test('a table aligns its columns, numbers on the right, one line to a row', () => {
  expect(table(rows, columns)).toBe(
    ['ID   STEPS  TASK', 'a        7  Move the ball', 'bcd   1200  two lines'].join('\n'),
  );
});

test('a table on a narrow terminal says with an ellipsis that it was cut', () => {
  expect(table(rows, columns, 18).split('\n')).toEqual([
    'ID   STEPS  TASK',
    'a        7  Move …',
    'bcd   1200  two l…',
  ]);
});

test('a table colours the cells that are wholly there, and stays aligned', () => {
  const paint = (cell: string) => `<${cell}>`;
  const painted = columns.map((column) => (column.title === 'STEPS' ? { ...column, paint } : column));
  expect(table(rows, painted).split('\n')).toEqual([
    'ID   STEPS  TASK',
    'a    <    7>  Move the ball',
    'bcd  < 1200>  two lines',
  ]);
  expect(table(rows, painted, 8).split('\n')).toEqual(['ID   ST…', 'a      …', 'bcd   1…']);
});

test.each([
  [0, '0ms'],
  [999, '999ms'],
  [1_000, '1s'],
  [61_000, '1m'],
  [7_200_000, '2h'],
  [90 * 86_400_000, '90d'],
])('%i milliseconds are %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test('a time is told as how long ago it was, a future one as now', () => {
  const now = Date.parse('2026-01-01T00:05:00Z');
  expect(ago('2026-01-01T00:00:00.123456Z', now)).toBe('4m ago');
  expect(ago('2026-01-01T00:06:00Z', now)).toBe('0ms ago');
});

test('what agents wrote cannot drive the terminal', () => {
  expect(printable('a\u001b[31mred\u001b]0;title\u0007 \u009b1m \u0000\ttab')).not.toMatch(
    /[\u0000-\u0008\u001b\u009b]/,
  );
  expect(printable('two\nlines')).toBe('two\nlines');
  expect(oneLine(' two\n lines\r ')).toBe('two lines');
});

test('what a terminal would obey is shown as its own sign, and in JSON as an escape that means the same', () => {
  expect(printable('a\u001b[31mred\u0007 \u009b1m\u007f \u202eevil\r\n')).toBe('a␛[31mred␇ \\u009b1m␡ \\u202eevil\n');
  const value = { text: 'a\u001b[1m\u009b\u007f\u202e' };
  expect(printableJson(value)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  expect(JSON.parse(printableJson(value))).toEqual(value);
});
