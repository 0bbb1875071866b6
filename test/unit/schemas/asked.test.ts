import { expect, test } from 'vitest';
import { describeOpenStep } from '../../../src/schemas/asked.ts';

const OPEN = { episode_id: '0198c0de-7000-7000-8000-000000000000', seq: 7 };

test('an approval tells the tool, every argument and both ways to decide', () => {
  const args = { path: '/a.md', content: 'one\ntwo', seed: 3 };
  const told = describeOpenStep({ ...OPEN, name: 'approval', input: { tool: 'write_file', args } });
  expect(told?.sentence).toBe('Step 7 waits for a person: may write_file be run?');
  expect(told?.words).toBe('path: /a.md\ncontent:\n  one\n  two\nseed: 3');
  expect(told?.commands).toEqual([
    `observatory episodes approve ${OPEN.episode_id} --step 7`,
    `observatory episodes answer ${OPEN.episode_id} --step 7 --decline "why not"`,
  ]);
});

test('a pause tells who asked for it and why, and a message waits for nothing', () => {
  const paused = describeOpenStep({ ...OPEN, name: 'pause', input: { author: 'Ada', text: 'lunch' } });
  expect(paused).toMatchObject({ words: 'lunch', commands: [`observatory episodes resume ${OPEN.episode_id}`] });
  expect(paused?.sentence).toContain('paused by Ada');
  expect(describeOpenStep({ ...OPEN, name: 'message', input: { author: 'Ada', text: 'hi' } })).toBeUndefined();
});

test('a record that holds something else is told without failing', () => {
  for (const input of [null, 'text', [], { args: null }, { tool: 3, question: {}, choices: [null] }])
    for (const name of ['approval', 'ask_person', 'pause'])
      expect(describeOpenStep({ ...OPEN, name, input })).toBeDefined();
});
