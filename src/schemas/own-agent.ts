import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import type { StructuredToolInterface } from '@langchain/core/tools';
import { z } from 'zod';
import { boundedText } from './primitives.ts';

// What a user brings: an agent that is a LangGraph graph, and tools. Held against this when the configuration is read.

/** A model for a part of a graph: another one of the configuration, or (`as`) a name of its own in the record. */
export type ModelChoice = { model?: string; as?: string };

/** What a factory of a graph is given: all that thinks or acts in it comes from here, and so is recorded. */
export type GraphParts = {
  /** A chat model that thinks in recorded steps; by default with the episode's model, under the agent's name. */
  model: (choice?: ModelChoice) => BaseChatModel;
  /** The agent's `tools`, in their order: each call is a recorded step. */
  tools: StructuredToolInterface[];
  /** Tools for the files of the episode's workspace: list_files, read_file, grep, write_file and edit_file. */
  files: StructuredToolInterface[];
};

/** A graph as its user has it: a builder, a compiled graph, or what holds one, as `createAgent` returns. */
export type UserGraph = { compile: (...options: never[]) => unknown } | { stream: unknown } | { graph: unknown };

/** How an own agent's work ends by itself. */
export const OwnOutcome = z.enum(['COMPLETED', 'APPROVED', 'REJECTED_BY_REVIEW']);
export type OwnOutcome = z.infer<typeof OwnOutcome>;

/** What a tool of one's own may use besides its arguments. */
export type OwnToolContext = {
  /** The folder on this worker's disk that is the workspace: what the tool leaves there is recorded, unless it is read-only. */
  folder: string;
  signal: AbortSignal;
  /** Writes a line into the step's log. */
  log: (text: string) => void;
};

/** A tool of one's own: what `run` returns is what the graph gets; what it throws, too. */
export type OwnTool<Input extends z.ZodObject = z.ZodObject> = {
  name: string;
  description: string;
  input: Input;
  run: (args: z.infer<Input>, context: OwnToolContext) => unknown;
  /** Read-only tools run side by side and leave no files; true unless said otherwise. */
  read_only?: boolean;
  /** `ask`: each call waits for a person's approval. */
  approval?: 'ask';
};

/** What tells the graph its task. */
export type TaskGiven = { task: string; files: string[]; seed: number };

const isFunction = (value: unknown) => typeof value === 'function';
const has = (value: unknown, member: string) =>
  ((typeof value === 'object' && value !== null) || isFunction(value)) && member in value;

const Identifier = boundedText(1, 100).regex(/^[a-z][a-z0-9_]*$/, 'must be a name such as my_agent');

const OwnToolOptions = z.strictObject({
  name: boundedText(1, 100).regex(/^[\w-]+$/, 'must be a name such as my_tool'),
  description: boundedText(1, 10_000),
  input: z.custom<z.ZodObject>((value) => value instanceof z.ZodObject, 'must be a z.object({ … }) of zod 4'),
  run: z.custom<OwnTool['run']>(isFunction, 'must be a function'),
  read_only: z.boolean().optional(),
  approval: z.literal('ask').optional(),
});

/** A tool of LangChain, as `tool()` makes it. */
const LangChainTool = z.custom<StructuredToolInterface>(
  (value) => has(value, 'invoke') && has(value, 'schema') && has(value, 'name'),
);

const AnyTool = z.unknown().transform((value, context): StructuredToolInterface | OwnTool => {
  const known = LangChainTool.safeParse(value);
  if (known.success) return known.data;
  const own = OwnToolOptions.safeParse(value);
  if (own.success) return own.data as OwnTool;
  for (const { path, message } of own.error.issues) context.addIssue({ code: 'custom', path, message });
  return z.NEVER;
});

/** An agent of one's own, as `observatory.config.ts` defines it. */
export const OwnAgent = z.strictObject({
  name: Identifier,
  description: boundedText(1, 1_000),
  graph: z.custom<UserGraph | ((parts: GraphParts) => UserGraph | Promise<UserGraph>)>(
    (value) => isFunction(value) || ['compile', 'stream', 'graph'].some((member) => has(value, member)),
    'must be a LangGraph builder, a compiled graph, or a function that returns one',
  ),
  tools: z.array(AnyTool).max(100).default([]),
  /** Names of tools that the graph makes for itself and that run inside their superstep, again with it: unrecorded, without effects. */
  inside: z.array(boundedText(1, 100)).max(100).default([]),
  /** The graph's input; by default the task as a person's message. */
  input: z.custom<(given: TaskGiven) => object>(isFunction, 'must be a function').optional(),
  /** How the episode ended, by the graph's last state; COMPLETED unless it says otherwise. */
  outcome: z.custom<(state: Record<string, unknown>) => OwnOutcome>(isFunction, 'must be a function').optional(),
  /** The channel that hears what people say meanwhile. */
  messages: boundedText(1, 100).default('messages'),
});
export type OwnAgent = z.infer<typeof OwnAgent>;
export type OwnAgentInput = z.input<typeof OwnAgent> & { tools?: (StructuredToolInterface | OwnTool)[] };
