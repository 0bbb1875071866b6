import type { BaseMessage } from '@langchain/core/messages';
import type { ModelParameters } from '../../schemas/trace.ts';
import type { ToolCall, Usage } from '../../schemas/step.ts';
import type { describeTool } from '../tools/registry.ts';

/** What a thinking model is given besides the conversation: the tools that it may ask for, and when to stop. */
export type ThinkOptions = { tools: ReturnType<typeof describeTool>[]; signal: AbortSignal };

/** What a model said, the calls that it asks for in its order, and what saying it took. */
export type Said = {
  text: string;
  tool_calls: ToolCall[];
  /** null where the endpoint did not say. */
  usage: Usage | null;
  /** Nobody said what the model costs: it counts as 0 dollars. */
  usd_unknown?: true;
};

/**
 * A model that roles think with. `think` throws: `unavailable` where waiting mends it, `model_failed` where another try
 * may, other codes for good; the error's details hold the
 * `Usage` of the failed try, or `usage_unknown`.
 */
export type Model = {
  /** Longer conversations are shortened first. In UTF-16 units of text. */
  conversation_chars_max: number;
  sees_images: boolean;
  /** What it is asked with besides the conversation and the tools: traces show it. */
  parameters: ModelParameters;
  think: (messages: BaseMessage[], options: ThinkOptions) => Promise<Said>;
};
