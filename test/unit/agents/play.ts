import { AIMessage, ToolMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import type { Script } from '../../../src/agents/models/scripted.ts';
import type { Json } from '../../../src/schemas/primitives.ts';
import type { TranscriptLine } from '../../../src/schemas/transcript.ts';

/** A call as it is answered here. */
export type PlayedCall = { step: number; name: string; args: Record<string, Json> };
/** What a tool says; an Error stands for a refusal. */
export type Answers = (call: PlayedCall) => string | Error;

/**
 * Plays one role's lines until it has ended so many turns, or to their end, each call answered at once: what it said, and the calls
 * that it made with the numbers of their steps, which are counted as the workflow counts them.
 */
export function playRole(
  { script, role, turns = 1 }: { script: Script; role: string; turns?: number },
  answers: Answers,
) {
  const lines = script.lines[role] ?? [];
  const messages: BaseMessage[] = [];
  const said: string[] = [];
  const calls: PlayedCall[] = [];
  let step = 0;
  let turnsLeft = turns;
  for (const [place, line] of lines.entries()) {
    if (turnsLeft === 0) break;
    const { text, calls: asked }: TranscriptLine = typeof line === 'function' ? line(messages) : line;
    said.push(text);
    step += 1;
    const ids = asked.map((_, index) => `${role}-${place + 1}-${index + 1}`);
    messages.push(
      new AIMessage({ content: text, tool_calls: asked.map((call, index) => ({ id: ids[index] ?? '', ...call })) }),
    );
    for (const [index, { name, args }] of asked.entries()) {
      step += 1;
      const call = { step, name, args };
      calls.push(call);
      const answer = answers(call);
      messages.push(
        new ToolMessage({
          tool_call_id: ids[index] ?? '',
          name,
          content: answer instanceof Error ? answer.message : answer,
          status: answer instanceof Error ? 'error' : 'success',
          metadata: { seq: step },
        }),
      );
      if (name === 'finish' || name.startsWith('submit')) turnsLeft -= 1;
    }
  }
  return { said, calls, named: (name: string) => calls.filter((call) => call.name === name) };
}
