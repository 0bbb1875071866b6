import { expect, test } from 'vitest';
import { alignSteps, filesThatDiffer } from '../../../src/api/comparison.ts';
import type { ComparableStep } from '../../../src/db/read/comparable.ts';

/** A line of calls: each word is a tool's name, with what it was asked behind a colon. */
const line = (words: string, keys = ''): ComparableStep[] =>
  words.split(' ').map((word, index) => {
    const [name = '', asked = ''] = word.split(':');
    const step_key = keys === '' ? `${words}-${index}` : `${keys}-${index}`;
    return {
      seq: index + 1,
      step_key,
      kind: 'tool_call',
      agent: 'engineer',
      name,
      status: 'ok',
      model: null,
      duration_ms: 1,
      usd: 0,
      text: word,
      input_hash: asked,
      output_hash: asked,
      error_hash: null,
    };
  });

const shown = (a: ComparableStep[], b: ComparableStep[]) =>
  alignSteps(a, b).map((pair) => `${pair.a?.text ?? '·'} ${pair.b?.text ?? '·'} ${pair.differs.join(',')}`.trim());

test('a line is the same as itself, step by step', () => {
  expect(shown(line('look write run'), line('look write run'))).toEqual(['look look', 'write write', 'run run']);
});

test('a step that only one has stands alone, and what follows is still side by side', () => {
  expect(shown(line('look run write'), line('look think run write'))).toEqual([
    'look look',
    '· think',
    'run run',
    'write write',
  ]);
  expect(shown(line('look grep'), line('grep'))).toEqual(['look ·', 'grep grep']);
});

test('of several that could be paired those are that were asked the same', () => {
  expect(shown(line('run:a run:b'), line('run:b'))).toEqual(['run:a ·', 'run:b run:b']);
  expect(shown(line('run:a'), line('run:b'))).toEqual(['run:a run:b input,output']);
});

test('steps under one key are in one place, whatever became of them', () => {
  const [a, b] = [line('look run', 'k'), line('look run', 'k')];
  b[1] = { ...b[1]!, name: 'write', text: 'write' };
  expect(shown(a, b)).toEqual(['look look', 'run write name']);
});

test('very long lines without a common key are paired in their order, and quickly', () => {
  const names = Array.from({ length: 3_000 }, (_, n) => `tool${n}`).join(' ');
  expect(alignSteps(line(names, 'a'), line(names, 'b'))).toHaveLength(3_000);
});

test('files are held against each other by path and content', () => {
  const file = (path: string, sha256: string) => ({ path, sha256, mode: '100644' as const, size_bytes: 1 });
  expect(
    filesThatDiffer([file('/a', '1'), file('/b', '1')], [file('/a', '2'), file('/b', '1'), file('/c', '3')]),
  ).toEqual([
    { path: '/a', a: '1', b: '2' },
    { path: '/c', a: null, b: '3' },
  ]);
});
