import { AIMessage, HumanMessage, BaseMessage, ToolMessage } from '@langchain/core/messages';
import { Command } from '@langchain/langgraph';
import type { Kysely } from 'kysely';
import { listMessages } from '../../../db/read/transcript.ts';
import { AppError } from '../../../errors.ts';
import type { Database } from '../../../schemas/database.ts';
import type { Episode } from '../../../schemas/episode.ts';
import type { OwnAgent } from '../../../schemas/own-agent.ts';
import { ToolOutput } from '../../../schemas/step.ts';
import type { JsonStore } from '../../../storage/json-store.ts';

/** What a new graph is told: the agent's own input, or the task as a person's message. */
export function inputOf({ name, input, messages }: OwnAgent, { id, task, inputs, seed }: Episode): object {
  const files = inputs.map(({ path }) => path);
  if (!input) return { [messages]: [new HumanMessage({ id, content: task })] };
  const told: unknown = input({ task, files, seed });
  if (typeof told === 'object' && told !== null) return told;
  throw new AppError('failed_precondition', `agents.${name}.input must return an object: the graph's channels`);
}

type Hearing = { episode_id: string; before: number; state: Record<string, unknown> };

/** What people said that the graph has not heard yet, put into its channel of messages; null where there is nothing. */
export async function wordsFor(
  { db, json }: { db: Kysely<Database>; json: JsonStore },
  { messages: channel }: OwnAgent,
  { episode_id, before, state }: Hearing,
): Promise<Command | null> {
  const heard = state[channel];
  // A graph without such a channel hears nobody; between a call and its result no word may stand.
  if (!Array.isArray(heard) || !heard.every((one) => BaseMessage.isInstance(one)) || isCalling(heard)) return null;
  const said: HumanMessage[] = [];
  for (const { id, output } of await listMessages(db, { episode_id, before })) {
    if (heard.some((message) => message.id === id)) continue;
    said.push(new HumanMessage({ id, content: ToolOutput.parse(await json.unpack(output)).content }));
  }
  return said.length === 0 ? null : new Command({ update: { [channel]: said } });
}

function isCalling(messages: readonly unknown[]): boolean {
  const asking = messages.findLast((message) => AIMessage.isInstance(message));
  const answered = new Set(messages.flatMap((one) => (ToolMessage.isInstance(one) ? one.tool_call_id : [])));
  return asking?.tool_calls?.some(({ id }) => id !== undefined && !answered.has(id)) ?? false;
}
