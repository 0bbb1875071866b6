import type { BaseMessage } from '@langchain/core/messages';
import type { ModelParameters } from '../../schemas/trace.ts';
import type { ThoughtOutput, Usage } from '../../schemas/step.ts';

/** A piece of a thought as it comes: words, or what the model thinks before it speaks. */
export type Word = { kind: 'text' | 'reasoning'; text: string };

/** A tool as endpoints are told of it: OpenAI's function format, its parameters as JSON Schema. */
export type ToolDescription = {
  type: 'function';
  function: { name: string; description: string; parameters: object };
};

/** What a thinking model is given besides the conversation: the tools that it may ask for, when to stop, who listens meanwhile. */
export type ThinkOptions = {
  tools: ToolDescription[];
  signal: AbortSignal;
  hear?: (word: Word) => void;
};

/** What a model said, the calls that it asks for in its order, and what saying it took. */
export type Said = Omit<ThoughtOutput, 'compaction' | 'images'> & {
  /** null where the endpoint did not say. */
  usage: Usage | null;
};

/**
 * A model that roles think with. `think` throws: `unavailable` where waiting mends it, `model_failed` where another try
 * may, other codes for good. The error's details hold the `Usage` of the failed try, or `usage_unknown`, and where the
 * conversation was too long `context_share`: how much of it there is room for.
 */
export type Model = {
  /** Longer conversations are shortened first. In UTF-16 units of text. */
  conversation_chars_max: number;
  sees_images: boolean;
  /** What it is asked with besides the conversation and the tools: traces show it. */
  parameters: ModelParameters;
  think: (messages: BaseMessage[], options: ThinkOptions) => Promise<Said>;
};
