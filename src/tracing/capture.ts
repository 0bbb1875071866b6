import type { AIMessage, BaseMessage, ToolMessage } from '@langchain/core/messages';
import type { Json } from '../schemas/primitives.ts';

/** What a trace shows of one conversation, in UTF-16 units of JSON: long ones would make traces grow with their square. */
const CONVERSATION_CHARS_MAX = 64 * 1024;

const ROLES: Record<string, string> = { human: 'user', ai: 'assistant', system: 'system', tool: 'tool' };

/**
 * What a model was shown, in the form that Langfuse draws as a chat. Of a long conversation the first message and the
 * newest ones, and how many were left out between them: the spans before have them.
 */
export function toTraceConversation(messages: readonly BaseMessage[]): Json[] {
  const shown = messages.map(toTraceMessage);
  const [first, ...rest] = shown;
  if (first === undefined) return [];
  let left = CONVERSATION_CHARS_MAX - JSON.stringify(first).length;
  let from = rest.length;
  while (from > 0) {
    left -= JSON.stringify(rest[from - 1]).length;
    if (left < 0) break;
    from -= 1;
  }
  if (from === 0) return shown;
  const content = `(${from} messages are left out here: earlier steps have them)`;
  return [first, { role: 'system', content }, ...rest.slice(from)];
}

/** One message in the form that Langfuse draws. */
export function toTraceMessage(message: BaseMessage): Json {
  const role = ROLES[message.type] ?? message.type;
  const { tool_calls = [] } = message as Partial<AIMessage>;
  const { tool_call_id } = message as Partial<ToolMessage>;
  const { reasoning } = message.additional_kwargs;
  return {
    role,
    ...(typeof reasoning === 'string' && { reasoning }),
    content: message.text,
    ...(tool_calls.length > 0 && {
      tool_calls: tool_calls.map(({ id, name, args }) => ({ id: id ?? '', name, args: args as Json })),
    }),
    ...(tool_call_id !== undefined && { tool_call_id }),
  };
}
