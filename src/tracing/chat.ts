import { z } from 'zod';
import { Json } from '../schemas/primitives.ts';
import type { ModelInput } from '../schemas/trace.ts';

// Messages as Langfuse's pages draw them: a chat, with its calls and its thinking, in the one form that all of its parsers take.

const Call = z.object({ id: z.string(), name: z.string(), args: Json });
const ChatMessage = z.looseObject({
  role: z.string(),
  content: Json,
  tool_calls: z.array(Call).optional(),
  reasoning: z.string().optional(),
});
const Thought = z.looseObject({
  text: z.string(),
  tool_calls: z.array(Call),
  reasoning: z.string().optional(),
});

/** What a thought shows: the conversation that its model was shown, and the tools that it could call. */
export function chatInput({ messages }: ModelInput, tools: Json[]): Json {
  return { messages: messages.map(chatMessage), ...(tools.length > 0 && { tools }) };
}

/** What a model said, as a message; the rest of what is recorded of it beside that. What has another shape stays as it is. */
export function chatOutput(output: Json): { said: Json; beside: { [key: string]: Json } } {
  const thought = Thought.safeParse(output);
  if (!thought.success) return { said: output, beside: {} };
  // What only its provider can read is in the step alone.
  const { text, tool_calls, reasoning, back: _, ...rest } = thought.data;
  const said = {
    role: 'assistant',
    content: text,
    ...thinking(reasoning),
    ...(tool_calls.length > 0 && calls(tool_calls)),
  };
  return { said, beside: rest as { [key: string]: Json } };
}

const Asked = z.object({ tools: z.array(z.string()) });

/** What a model was shown of the tools that it could call, by the names that a thought's input holds. */
export function toolsOf(input: Json, describeTool: ((name: string) => Json | undefined) | undefined): Json[] {
  const asked = Asked.safeParse(input);
  if (!asked.success || !describeTool) return [];
  return asked.data.tools.flatMap((name) => describeTool(name) ?? []);
}

/** A message of our own form in Langfuse's; what has another shape stays as it is. */
function chatMessage(message: Json): Json {
  const parsed = ChatMessage.safeParse(message);
  if (!parsed.success) return message;
  const { reasoning, tool_calls, ...rest } = parsed.data;
  return { ...(rest as { [key: string]: Json }), ...thinking(reasoning), ...(tool_calls && calls(tool_calls)) };
}

const thinking = (reasoning: string | undefined) =>
  reasoning ? { thinking: [{ type: 'thinking', content: reasoning }] } : {};

const calls = (asked: z.infer<typeof Call>[]) => ({
  tool_calls: asked.map(({ id, name, args }) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(args) },
  })),
});
