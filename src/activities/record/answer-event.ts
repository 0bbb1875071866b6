import type { JsonObject } from '../../schemas/primitives.ts';
import type { Step, ThoughtOutput, Usage } from '../../schemas/step.ts';
import type { Fact } from '../../agents/tools/tool.ts';

/** An event is for reading in a list: of longer texts it has the beginning, the step holds the whole. In UTF-16 units. */
const TEXT_CHARS_MAX = 20_000;

/** The event of a model's answer; none where no endpoint was asked. */
export function factsOfAnswer(
  { model }: Pick<Step, 'model'>,
  { text, reasoning, refusal, end, tool_calls, answer }: ThoughtOutput,
  usage: Usage | null,
): Fact[] {
  if (!answer || model === null) return [];
  const payload = {
    model,
    model_version: answer.model,
    endpoint: answer.endpoint,
    response_id: answer.response_id,
    finish_reason: answer.finish_reason,
    end,
    text: text.slice(0, TEXT_CHARS_MAX),
    reasoning: reasoning?.slice(0, TEXT_CHARS_MAX),
    refusal: refusal?.slice(0, TEXT_CHARS_MAX),
    shortened: [text, reasoning, refusal].some((said) => (said?.length ?? 0) > TEXT_CHARS_MAX),
    tool_calls: tool_calls.length,
    ...usage,
  };
  const known = Object.entries(payload).filter(([, value]) => value !== null && value !== undefined);
  return [{ type: 'model_answered', payload: Object.fromEntries(known) as JsonObject }];
}
