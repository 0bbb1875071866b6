import { AIMessage, ToolMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import type { Json } from '../../schemas/primitives.ts';
import type { Compaction } from '../../schemas/step.ts';

/** The newest results, and the newest thoughts, stay whole as long as may be: they are what the model is working on. */
const WHOLE_MIN = 4;
/** What stays of a shortened text. */
const KEPT_LINES = 3;
const KEPT_CHARS = 400;

const RESULTS = { isOfKind: (message: BaseMessage) => ToolMessage.isInstance(message), shorten: shortenResult };
const THOUGHTS = { isOfKind: (message: BaseMessage) => AIMessage.isInstance(message), shorten: shortenThought };

/** How a conversation is shortened further and further, and what the record calls having done so. */
const STAGES = [
  { strategy: 'shorten_older_tool_results', newest: WHOLE_MIN, ...RESULTS },
  { strategy: 'shorten_older_results_and_calls', newest: WHOLE_MIN, ...THOUGHTS },
  { strategy: 'shorten_all_but_newest', newest: 1, ...RESULTS },
  { strategy: 'shorten_all_but_newest', newest: 1, ...THOUGHTS },
  { strategy: 'shorten_all', newest: 0, ...RESULTS },
] as const;

/**
 * A conversation that fits `charsMax` as well as shortening can make it: from the oldest on, results are cut to their first
 * lines with a note that names the step which holds the whole, then what the model wrote itself (words, and long texts in
 * the arguments of its calls), then newer ones. Deterministic, so that another try thinks about the same. What does not
 * fit even then is called no compaction.
 */
export function compact(
  messages: BaseMessage[],
  charsMax: number,
): { messages: BaseMessage[]; length: number; compaction: Compaction | undefined } {
  const previous_length = lengthOf(messages);
  let length = previous_length;
  if (length <= charsMax) return { messages, length, compaction: undefined };
  const shorter = [...messages];
  for (const { strategy, newest, isOfKind, shorten } of STAGES) {
    const places = shorter.flatMap((message, place) => (isOfKind(message) ? [place] : []));
    for (const place of places.slice(0, places.length - newest)) {
      const message = shorter[place];
      const short = message && shorten(message);
      if (!short) continue;
      length += lengthOf([short]) - lengthOf([message]);
      shorter[place] = short;
      if (length > charsMax) continue;
      const compaction = {
        previous_length,
        compacted_length: length,
        threshold: charsMax,
        compaction_strategy: strategy,
      };
      return { messages: shorter, length, compaction };
    }
  }
  return { messages: shorter, length, compaction: undefined };
}

/** The conversation's text in UTF-16 units: words, results, reasoning that goes back, and the arguments of calls. */
function lengthOf(messages: readonly BaseMessage[]): number {
  let length = 0;
  for (const message of messages) {
    length += message.text.length;
    if (!AIMessage.isInstance(message)) continue;
    const { tool_calls = [], additional_kwargs } = message;
    for (const { args } of tool_calls) length += JSON.stringify(args).length;
    const { reasoning } = additional_kwargs;
    if (tool_calls.length > 0 && typeof reasoning === 'string') length += reasoning.length;
  }
  return length;
}

/** A result cut to its beginning; undefined for anything else, and where that would be no shorter. */
function shortenResult(message: BaseMessage): BaseMessage | undefined {
  if (!ToolMessage.isInstance(message)) return undefined;
  const { text, tool_call_id, name, status, metadata } = message;
  const content = beginningOf(text, metadata?.['seq']);
  if (content === undefined) return undefined;
  return new ToolMessage({
    tool_call_id,
    content,
    ...(name && { name }),
    ...(status && { status }),
    ...(metadata && { metadata }),
  });
}

/** A thought whose words and texts in arguments are cut to their beginnings; undefined for anything else, and where none is long. */
function shortenThought(message: BaseMessage): BaseMessage | undefined {
  if (!AIMessage.isInstance(message)) return undefined;
  const { id, text, tool_calls = [], additional_kwargs } = message;
  const { seq } = additional_kwargs;
  const words = beginningOf(text, seq);
  const calls = tool_calls.map((call) => ({
    ...call,
    args: shortTexts(call.args as Json, seq) as Record<string, Json>,
  }));
  const isShorter = words !== undefined || calls.some(({ args }, place) => args !== tool_calls[place]?.args);
  if (!isShorter) return undefined;
  return new AIMessage({
    ...(id !== undefined && { id }),
    content: words ?? text,
    tool_calls: calls,
    additional_kwargs,
  });
}

/** The value with every long text in it cut; itself where there is none. */
function shortTexts(value: Json, seq: unknown): Json {
  if (typeof value === 'string') return beginningOf(value, seq) ?? value;
  if (value === null || typeof value !== 'object') return value;
  let changed = false;
  const short = (inner: Json): Json => {
    const cut = shortTexts(inner, seq);
    changed ||= cut !== inner;
    return cut;
  };
  const copy = Array.isArray(value)
    ? value.map(short)
    : Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, short(inner)]));
  return changed ? copy : value;
}

/** The first lines of a text with a note of where the whole is; undefined where that is no shorter. */
function beginningOf(text: string, seq: unknown): string | undefined {
  const start = text.split('\n', KEPT_LINES).join('\n').slice(0, KEPT_CHARS).toWellFormed();
  const note = `[shortened: step ${String(seq)} holds all ${text.length} characters; ask again if you need them]`;
  const content = `${start}\n${note}`;
  return content.length < text.length && !NOTE.test(text) ? content : undefined;
}

const NOTE = /\n\[shortened: step \S+ holds all \d+ characters; ask again if you need them\]$/;
