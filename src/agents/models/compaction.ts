import { AIMessage, ToolMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import type { Compaction } from '../../schemas/step.ts';

/** The newest results stay whole: they are what the model is working on. */
const WHOLE_RESULTS_MIN = 4;
/** What stays of a shortened result. */
const KEPT_LINES = 3;
const KEPT_CHARS = 400;

/**
 * A conversation that fits `charsMax` as well as shortening older tool results can make it: from the oldest on, each is
 * cut to its first lines with a note that names the step which holds the whole. What the model said itself is never
 * changed, for it would take up writing like that. Deterministic, so that another try thinks about the same.
 */
export function compact(
  messages: BaseMessage[],
  charsMax: number,
): { messages: BaseMessage[]; compaction: Compaction | undefined } {
  const previous_length = lengthOf(messages);
  if (previous_length <= charsMax) return { messages, compaction: undefined };
  const results = messages.filter((message) => ToolMessage.isInstance(message));
  const older = new Set<BaseMessage>(results.slice(0, -WHOLE_RESULTS_MIN));
  let compacted_length = previous_length;
  const compacted = messages.map((message) => {
    if (compacted_length <= charsMax || !older.has(message) || !ToolMessage.isInstance(message)) return message;
    const shorter = shortened(message);
    compacted_length += shorter.text.length - message.text.length;
    return shorter;
  });
  const compaction_strategy = 'shorten_older_tool_results';
  return {
    messages: compacted,
    compaction: { previous_length, compacted_length, threshold: charsMax, compaction_strategy },
  };
}

/** The conversation's text in UTF-16 units: words, results, and the arguments of calls. */
function lengthOf(messages: readonly BaseMessage[]): number {
  let length = 0;
  for (const message of messages) {
    length += message.text.length;
    if (AIMessage.isInstance(message))
      for (const { args } of message.tool_calls ?? []) length += JSON.stringify(args).length;
  }
  return length;
}

function shortened(message: ToolMessage): ToolMessage {
  const { text, tool_call_id, name, status, metadata } = message;
  const start = text.split('\n', KEPT_LINES).join('\n').slice(0, KEPT_CHARS);
  const note = `[shortened: step ${String(metadata?.['seq'])} holds all ${text.length} characters; ask again if you need them]`;
  const content = `${start}\n${note}`;
  if (content.length >= text.length) return message;
  return new ToolMessage({
    tool_call_id,
    content,
    ...(name && { name }),
    ...(status && { status }),
    ...(metadata && { metadata }),
  });
}
