import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import { gatherApproval, gatherChange, gatherInput, integer, positive } from '../../../src/cli/options.ts';
import { quote } from '../../../src/cli/commands/env.ts';

test('inputs gather in the order in which they are given, and only the first equals sign divides', () => {
  const first = gatherInput('/a.txt=local/a.txt');
  expect(gatherInput('b=c=d', first)).toEqual([
    { path: '/a.txt', file: 'local/a.txt' },
    { path: 'b', file: 'c=d' },
  ]);
});

test.each(['', 'a', 'a=', '=a'])('%j is no input', (text) => {
  expect(() => gatherInput(text)).toThrow(InvalidArgumentError);
});

test('an input cannot lie where another lies', () => {
  expect(() => gatherInput('a=2', gatherInput('a=1'))).toThrow('given twice');
});

test.each(['', '-1', '1.5', '0x10', '1e3', '11', ' 1'])('%j is no whole number up to ten', (text) => {
  expect(() => integer(0, 10)(text)).toThrow(InvalidArgumentError);
});

test.each(['0', '-1', '1e9', 'x', ''])('%j is no positive number', (text) => {
  expect(() => positive(text)).toThrow(InvalidArgumentError);
});

test('numbers within their bounds are taken', () => {
  expect([integer(0, 10)('10'), positive('0.5')]).toEqual([10, 0.5]);
});

test('a key with a quote stays one word of the shell', () => {
  expect(quote("it's")).toBe(`'it'\\''s'`);
});

test('approvals gather by tool', () => {
  expect(gatherApproval('write_file=never', gatherApproval('simulate=ask'))).toEqual({
    simulate: 'ask',
    write_file: 'never',
  });
});

test.each(['', 'simulate', 'simulate=', '=ask', 'simulate=perhaps', 'simulate=ask=ask'])(
  '%j is no approval',
  (text) => {
    expect(() => gatherApproval(text)).toThrow(InvalidArgumentError);
  },
);

test('a tool cannot have two rules', () => {
  expect(() => gatherApproval('simulate=ask', gatherApproval('simulate=never'))).toThrow('given twice');
});

test('a fork changes the model and the seed, and nothing else', () => {
  expect(gatherChange('seed=9', gatherChange('model=openai:a=b'))).toEqual({ model: 'openai:a=b', seed: 9 });
  for (const text of ['task=x', 'seed=', 'seed=-1', 'seed'])
    expect(() => gatherChange(text)).toThrow(InvalidArgumentError);
});
