import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compact } from '../../../../src/agents/models/compaction.ts';

const LONG = 'first line\nsecond line\nthird line\n' + 'more\n'.repeat(1_000);

type Round = { result: string; content?: string; text?: string; reasoning?: string };

/** A conversation in which round n is a thought with one call (step 2n-1) and its result (step 2n). */
function conversation(rounds: Round[]): BaseMessage[] {
  const messages = rounds.flatMap(({ result, content, text, reasoning }, index) => [
    new AIMessage({
      content: text ?? `thought ${index}`,
      tool_calls: [{ id: `c${index}`, name: 'write_file', args: { path: '/a', ...(content && { content }) } }],
      additional_kwargs: { seq: 2 * index + 1, ...(reasoning !== undefined && { reasoning }) },
    }),
    new ToolMessage({
      tool_call_id: `c${index}`,
      name: 'read_file',
      content: result,
      metadata: { seq: 2 * index + 2 },
    }),
  ]);
  return [new SystemMessage('you are an engineer'), new HumanMessage('the task'), ...messages];
}
const resultsOf = (messages: BaseMessage[]) =>
  messages.filter((one) => ToolMessage.isInstance(one)).map(({ text }) => text);
const writtenIn = (messages: BaseMessage[]) =>
  messages.flatMap((one) => (AIMessage.isInstance(one) ? [one.tool_calls?.[0]?.args['content'] as string] : []));
const times = (count: number, round: Round) => Array.from({ length: count }, () => round);

test('a conversation that fits is left as it is', () => {
  const messages = conversation(times(2, { result: LONG }));
  expect(compact(messages, 1_000_000)).toMatchObject({ messages, compaction: undefined });
});

test('of one that does not fit, the oldest results are cut to their first lines and say where the whole is', () => {
  const messages = conversation(times(10, { result: LONG }));
  const { messages: shorter, length, compaction } = compact(messages, 40_000);
  const note = `[shortened: step 2 holds all ${LONG.length} characters; ask again if you need them]`;
  const texts = resultsOf(shorter);
  expect(texts[0]).toBe(`first line\nsecond line\nthird line\n${note}`);
  expect(texts.map((text) => text === LONG)).toEqual([...Array(3).fill(false), ...Array(7).fill(true)]);
  expect(compaction).toMatchObject({ threshold: 40_000, compaction_strategy: 'shorten_older_tool_results' });
  expect(compaction?.previous_length).toBeGreaterThan(50_000);
  expect(compaction?.compacted_length).toBe(length);
  expect(compact(shorter, 40_000), 'the recorded length is the length').toMatchObject({
    length,
    compaction: undefined,
  });
});

test('what the model wrote itself is shortened too, the oldest first, and its calls stay calls', () => {
  const messages = conversation(times(10, { result: 'ok', content: LONG }));
  const { messages: shorter, compaction } = compact(messages, 40_000);
  expect(compaction).toMatchObject({ compaction_strategy: 'shorten_older_results_and_calls' });
  expect(compaction?.compacted_length).toBeLessThanOrEqual(40_000);
  const written = writtenIn(shorter);
  expect(written[0]).toMatch(/^first line\nsecond line\nthird line\n\[shortened: step 1 holds all \d+ characters/);
  expect(written.at(-1)).toBe(LONG);
  expect(shorter.map((one) => one.type)).toEqual(messages.map((one) => one.type));
});

test('the newest are shortened last, and one that does not fit even then is called no compaction', () => {
  const messages = conversation(times(6, { result: LONG, content: LONG }));
  const fitting = compact(messages, 14_000);
  expect(fitting.compaction).toMatchObject({ compaction_strategy: 'shorten_all_but_newest' });
  expect(resultsOf(fitting.messages).at(-1), 'the newest result').toBe(LONG);
  const hopeless = compact(messages, 100);
  expect(hopeless.compaction).toBeUndefined();
  expect(hopeless.length, 'it is still told how long it is').toBeGreaterThan(100);
  expect(hopeless.length).toBeLessThan(fitting.length);
});

test('a text that its note would make longer stays as it is, and none is shortened twice', () => {
  const messages = conversation([{ result: 'ok' }, { result: 'ok' }, ...times(4, { result: LONG })]);
  const { messages: shorter } = compact(messages, 10);
  expect(resultsOf(shorter).slice(0, 2)).toEqual(['ok', 'ok']);
  expect(compact(shorter, 10).messages).toEqual(shorter);
});

test('reasoning that goes back counts, and is never changed', () => {
  const messages = conversation(times(3, { result: 'ok', reasoning: LONG }));
  const { length, messages: shorter } = compact(messages, 100);
  expect(length).toBeGreaterThan(3 * LONG.length);
  expect(shorter[2]?.additional_kwargs['reasoning']).toBe(LONG);
});

test('whatever it was given, a compaction is below its bound, and no call loses its result', () => {
  const round = fc.record({ result: fc.integer({ min: 0, max: 5_000 }), content: fc.integer({ min: 0, max: 5_000 }) });
  fc.assert(
    fc.property(fc.array(round, { maxLength: 12 }), fc.integer({ min: 10, max: 60_000 }), (rounds, charsMax) => {
      const texts = rounds.map(({ result, content }) => ({ result: 'r'.repeat(result), content: 'c'.repeat(content) }));
      const messages = conversation(texts);
      const { messages: shorter, length, compaction } = compact(messages, charsMax);
      expect(compact(shorter, 1e9).length).toBe(length);
      expect(compaction?.compacted_length ?? 0).toBeLessThanOrEqual(charsMax);
      expect(shorter.map(idOf)).toEqual(messages.map(idOf));
    }),
  );
});

const idOf = (message: BaseMessage) =>
  ToolMessage.isInstance(message)
    ? message.tool_call_id
    : AIMessage.isInstance(message)
      ? message.tool_calls?.map(({ id, name }) => [id, name])
      : message.text;
