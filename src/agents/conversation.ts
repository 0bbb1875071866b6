import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import type { Episode } from '../schemas/episode.ts';
import type { Json } from '../schemas/primitives.ts';
import { ThoughtOutput, ToolOutput } from '../schemas/step.ts';
import type { Step } from '../schemas/step.ts';
import type { ThoughtEnd } from '../schemas/thought.ts';
import type { JsonStore } from '../storage/json-store.ts';
import type { Role } from './role.ts';
import { framesOf } from './models/images.ts';

const GO_ON = 'Go on with your work, and end your turn with the tool that hands it on.';

/** The reminder to a model that asked for no tool, by how its answer ended. */
const NUDGES: Record<ThoughtEnd | 'complete', string> = {
  complete: `You asked for no tool. ${GO_ON}`,
  cut: `Your answer was cut off at the limit of its length, before you asked for a tool. Say less at once. ${GO_ON}`,
  filtered: `Your answer was held back by the endpoint's filter. Say it differently. ${GO_ON}`,
  refused: `You refused. If there is a part of the work that you can do, do that. ${GO_ON}`,
  empty: `Your answer was empty: no words, and no tool was asked for. ${GO_ON}`,
  malformed: `Your call could not be read: ask for a tool by its name, with one whole JSON object as its arguments. ${GO_ON}`,
};

/**
 * A role's conversation, rebuilt from the record: its instructions, the task, its own thoughts with what their calls came
 * to, and what the other roles handed on or decided. Large outputs are read from where they are kept.
 */
export async function buildConversation(
  { episode, role, steps }: { episode: Episode; role: Role; steps: Step[] },
  { unpack }: JsonStore,
): Promise<BaseMessage[]> {
  const messages: BaseMessage[] = [new SystemMessage(role.prompt), new HumanMessage(taskOf(episode))];
  for (const step of steps) {
    const output = await unpack(step.output);
    if (step.agent !== role.name) messages.push(...messagesOfOthers(step, output));
    else if (step.kind === 'thought') messages.push(...thought(step, output));
    else messages.push(result(step, output));
  }
  return messages;
}

function taskOf({ task, inputs }: Episode): string {
  if (inputs.length === 0) return task;
  return `${task}\n\nFiles in your workspace:\n${inputs.map(({ path }) => `- ${path}`).join('\n')}`;
}

function thought(step: Step, output: Json | null): BaseMessage[] {
  const said = ThoughtOutput.safeParse(output);
  if (!said.success) return []; // it ended in an error or was cancelled: nothing was said
  const { tool_calls, end = 'complete' } = said.data;
  const message = messageOf(step, said.data);
  return tool_calls.length > 0 ? [message] : [message, new HumanMessage(NUDGES[end])];
}

/** A recorded thought as its model's message. */
export function messageOf(
  { id, seq }: Pick<Step, 'id' | 'seq'>,
  { text, tool_calls, refusal = '', reasoning, back }: ThoughtOutput,
): AIMessage {
  return new AIMessage({
    id,
    content: text || refusal,
    tool_calls,
    additional_kwargs: { seq, ...(reasoning !== undefined && { reasoning }), ...(back && { back }) },
  });
}

function result(step: Step, output: Json | null): BaseMessage {
  const tool_call_id = step.step_key.slice(step.step_key.lastIndexOf('/') + 1);
  const said = ToolOutput.safeParse(output);
  const content = said.success ? said.data.content : (step.error?.message ?? step.status);
  return new ToolMessage({
    tool_call_id,
    name: step.name,
    content,
    status: step.status === 'ok' ? 'success' : 'error',
    metadata: { seq: step.seq, frames: framesOf(said.data?.result) },
  });
}

function messagesOfOthers(step: Step, output: Json | null): BaseMessage[] {
  const said = ToolOutput.safeParse(output).data;
  if (step.kind === 'human') return said && step.name === 'message' ? [new HumanMessage(said.content)] : [];
  const end = said?.turn_end;
  if (!end) return [];
  const text = end.kind === 'submitted' ? `handed on: ${end.summary}` : `decided ${end.decision}: ${end.reason}`;
  return [new HumanMessage(`${step.agent} ${text}`)];
}
