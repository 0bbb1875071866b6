import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import { expect, test } from 'vitest';
import { compact } from '../../../../src/agents/models/compaction.ts';

const LONG = 'first line\nsecond line\nthird line\n' + 'more\n'.repeat(1_000);

/** A conversation in which call n (a thought and its result, steps 2n-1 and 2n) has this result. */
function conversation(results: string[]): BaseMessage[] {
  const rounds = results.flatMap((content, index) => [
    new AIMessage({
      content: `thought ${index}`,
      tool_calls: [{ id: `c${index}`, name: 'read_file', args: { path: '/a' } }],
    }),
    new ToolMessage({ tool_call_id: `c${index}`, name: 'read_file', content, metadata: { seq: 2 * index + 2 } }),
  ]);
  return [new SystemMessage('you are an engineer'), new HumanMessage('the task'), ...rounds];
}
const textsOf = (messages: BaseMessage[]) =>
  messages.filter((one) => ToolMessage.isInstance(one)).map(({ text }) => text);

test('a conversation that fits is left as it is', () => {
  const messages = conversation([LONG, LONG]);
  expect(compact(messages, 1_000_000)).toEqual({ messages, compaction: undefined });
});

test('of one that does not fit, the oldest results are cut to their first lines and say where the whole is', () => {
  const messages = conversation(Array.from({ length: 10 }, () => LONG));
  const { messages: shorter, compaction } = compact(messages, 40_000);
  const note = `[shortened: step 2 holds all ${LONG.length} characters; ask again if you need them]`;
  const texts = textsOf(shorter);
  expect(texts[0]).toBe(`first line\nsecond line\nthird line\n${note}`);
  expect(texts.map((text) => text === LONG)).toEqual([...Array(3).fill(false), ...Array(7).fill(true)]);
  expect(compaction).toMatchObject({ threshold: 40_000, compaction_strategy: 'shorten_older_tool_results' });
  expect(compaction?.previous_length).toBeGreaterThan(50_000);
  expect(compaction?.compacted_length).toBeLessThanOrEqual(40_000);
  expect(compact(shorter, 40_000), 'the recorded length is the length').toMatchObject({ compaction: undefined });
});

test('the newest results, and everything that the model said itself, stay whole however long they are', () => {
  const messages = conversation(Array.from({ length: 6 }, () => LONG));
  const { messages: shorter, compaction } = compact(messages, 100);
  expect(textsOf(shorter).map((text) => text === LONG)).toEqual([false, false, true, true, true, true]);
  expect(shorter.filter((one) => !ToolMessage.isInstance(one))).toEqual(
    messages.filter((one) => !ToolMessage.isInstance(one)),
  );
  expect(shorter.map((one) => ToolMessage.isInstance(one) && one.tool_call_id)).toEqual(
    messages.map((one) => ToolMessage.isInstance(one) && one.tool_call_id),
  );
  expect(compaction?.compacted_length, 'and the record says that it does not fit').toBeGreaterThan(100);
});

test('a result that its note would make longer stays as it is', () => {
  const messages = conversation(['ok', 'ok', LONG, LONG, LONG, LONG]);
  expect(textsOf(compact(messages, 10).messages)).toEqual(['ok', 'ok', LONG, LONG, LONG, LONG]);
});
