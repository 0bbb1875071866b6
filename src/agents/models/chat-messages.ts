import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import { SentBack } from '../../schemas/thought.ts';
import { objectIn } from './loose.ts';

/** A message as chat completions take it. */
export type ChatMessage = {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: unknown;
  tool_call_id?: string;
  tool_calls?: { id: string; type: 'function'; function: { name: string; arguments: string } }[];
  [opaque: string]: unknown;
};

/** How an endpoint takes conversations. */
export type ChatForm = {
  /** Who it is: only what it said itself goes back to it as it was. */
  provider: string;
  /** Which reasoning goes back in the member that it came in: that of messages with calls, all, or none. */
  reasoning_back: 'with_calls' | 'always' | 'never';
  /** Whether two messages of one role in a row, and a user's after a result, are joined to one. */
  alternate_roles: boolean;
};

/** What stands for a result that is not on record: servers refuse a call without one. */
const NO_RESULT = 'no result of this call is on record';

/**
 * The conversation as strict servers take it: no assistant's message without words or calls, every call with its result right
 * after it, no result without its call; with what the provider wants back.
 */
export function toChatMessages(messages: readonly BaseMessage[], form: ChatForm): ChatMessage[] {
  const results = new Map<BaseMessage, ToolMessage[]>();
  let asking: BaseMessage | undefined;
  for (const message of messages) {
    if (AIMessage.isInstance(message)) asking = message;
    if (asking && ToolMessage.isInstance(message)) results.set(asking, [...(results.get(asking) ?? []), message]);
  }
  const chat = messages.flatMap((message): ChatMessage[] => {
    if (ToolMessage.isInstance(message)) return []; // told with its call
    if (AIMessage.isInstance(message)) return thoughtAndResults(message, results.get(message) ?? [], form);
    return [{ role: HumanMessage.isInstance(message) ? 'user' : 'system', content: message.content }];
  });
  return form.alternate_roles ? alternating(chat) : chat;
}

function thoughtAndResults(message: AIMessage, results: ToolMessage[], form: ChatForm): ChatMessage[] {
  const { text, tool_calls: calls = [] } = message;
  if (text.trim() === '' && calls.length === 0) return [];
  const back = backFor(message, form.provider);
  const tool_calls = calls.map(({ id = '', name, args }) => {
    const { function: within, ...opaque } = back?.calls?.[id] ?? {};
    const asked = { ...objectIn(within), name, arguments: JSON.stringify(args) };
    return { ...opaque, id, type: 'function' as const, function: asked };
  });
  const thought: ChatMessage = {
    ...back?.message,
    ...reasoningBack(message, back, form),
    role: 'assistant',
    content: contentBack(message, back, form) ?? (text === '' ? null : text),
    ...(tool_calls.length > 0 && { tool_calls }),
  };
  const told = calls.map(({ id = '' }): ChatMessage => {
    const result = results.find((one) => one.tool_call_id === id);
    return { role: 'tool', tool_call_id: id, content: result?.text || NO_RESULT };
  });
  return [thought, ...told];
}

/** What was said by this provider; nothing of another's. */
function backFor({ additional_kwargs }: AIMessage, provider: string): SentBack | undefined {
  const back = SentBack.safeParse(additional_kwargs['back']).data;
  return back?.provider === provider ? back : undefined;
}

const mayGoBack = ({ tool_calls = [] }: AIMessage, { reasoning_back }: ChatForm) =>
  reasoning_back === 'always' || (reasoning_back === 'with_calls' && tool_calls.length > 0);

function reasoningBack(message: AIMessage, back: SentBack | undefined, form: ChatForm): Record<string, unknown> {
  const { member, members } = back?.reasoning ?? {};
  if (!mayGoBack(message, form)) return {};
  const { reasoning } = message.additional_kwargs;
  return { ...(member !== undefined && typeof reasoning === 'string' && { [member]: reasoning }), ...members };
}

function contentBack(message: AIMessage, back: SentBack | undefined, form: ChatForm): unknown {
  return mayGoBack(message, form) ? back?.reasoning?.parts : undefined;
}

/** The same conversation in which roles take turns, as some templates demand. */
function alternating(chat: ChatMessage[]): ChatMessage[] {
  const joined: ChatMessage[] = [];
  for (const message of chat) {
    const last = joined.at(-1);
    const same = last?.role === message.role && last.role !== 'tool' && !last.tool_calls && !message.tool_calls;
    const afterResult = last?.role === 'tool' && message.role === 'user' && typeof message.content === 'string';
    if (last && (same || afterResult))
      joined.splice(-1, 1, { ...last, content: together(last.content, message.content) });
    else joined.push(message);
  }
  return joined;
}

function together(one: unknown, other: unknown): unknown {
  if (typeof one === 'string' && typeof other === 'string') return `${one}\n\n${other}`;
  return [...partsOf(one), ...partsOf(other)];
}

const partsOf = (content: unknown): unknown[] =>
  Array.isArray(content)
    ? (content as unknown[])
    : [{ type: 'text', text: typeof content === 'string' ? content : '' }];
