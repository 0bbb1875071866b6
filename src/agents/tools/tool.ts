import { z } from 'zod';
import type { Clock } from '../../schemas/artifact.ts';
import type { Episode } from '../../schemas/episode.ts';
import type { Json, JsonObject } from '../../schemas/primitives.ts';
import type { EventType } from '../../schemas/events/registry.ts';
import type { Step, StepKind, ToolOutput } from '../../schemas/step.ts';
import type { AgentFiles } from '../../storage/backends/agent-files.ts';
import type { LogLevel, LogStream } from '../../schemas/log.ts';
import type { Sandbox } from './sandbox.ts';

/** The execution log of an attempt, as what runs in it writes it; writing never waits and never fails the work. */
export type LogWriter = { write(stream: LogStream, text: string, level?: LogLevel): void };

/** What a tool may use. `workspace_dir` is the agent's "/" on this worker's disk. */
export type ToolContext = {
  episode: Episode;
  step: Step;
  files: AgentFiles;
  workspace_dir: string;
  sandbox: Sandbox;
  /** Writes a file below /renders, straight to S3, and returns its hash and its `s3://` address. */
  render: RenderWriter;
  /** The bytes of one of the files that the episode was started with: the agent cannot have changed them. */
  readInput: (path: string) => Promise<Uint8Array>;
  /** What the role's commands find read-only. */
  protected_paths: () => readonly string[];
  /** Notes a file of the workspace as what this step worked from, so that what it made can be traced back. */
  usedFile: (path: string) => void;
  /** Reports how far the work is; shown with the running activity in Temporal's UI. */
  progress: (details: JsonObject) => void;
  log: LogWriter;
  signal: AbortSignal;
};

/** Writes a file below /renders. `clock` says how a video's frames map to time. */
export type RenderWriter = (
  path: string,
  bytes: Uint8Array,
  options?: { clock?: Clock },
) => Promise<{ sha256: string; uri: string }>;

/** What an event says, before it has its envelope. */
export type Fact = { type: EventType; payload: JsonObject };

/** A call that ran to its end: who called, the arguments as the tool took them, what its result holds. */
export type EndedCall = { agent: string; args: JsonObject; result: JsonObject };

/** A score that a call's result amounts to. */
export type CallScore = { name: string; value: number | boolean };

/**
 * A tool as the model knows it and as the system runs it, with all that other rooms know of it. `read_only` ones run side
 * by side and leave no workspace; one that `ends_turn` hands on or decides, and other roles see it; `subject` says in a few
 * words what a call is about, without contents; `facts` are the events of a call, `scores` what the last call of an episode
 * is worth. `run` throws agent-visible errors for the model.
 */
export type Tool = {
  name: string;
  description: string;
  kind: Extract<StepKind, 'tool_call' | 'simulation' | 'review' | 'human'>;
  read_only: boolean;
  ends_turn: boolean;
  input: z.ZodObject;
  subject: (args: JsonObject) => string;
  facts: (call: EndedCall) => Fact[];
  scores: (result: JsonObject) => CallScore[];
  run: (args: never, context: ToolContext) => Promise<ToolOutput>;
};

/** A tool whose `run` gets the arguments as its input schema types them. */
export function defineTool<Input extends z.ZodObject>(
  tool: Pick<Tool, 'name' | 'description' | 'read_only'> &
    Partial<Pick<Tool, 'kind' | 'subject' | 'ends_turn' | 'facts' | 'scores'>> & {
      input: Input;
      run: (args: z.infer<Input>, context: ToolContext) => Promise<ToolOutput>;
    },
): Tool {
  const none = () => [];
  return { kind: 'tool_call', ends_turn: false, subject: pathOf, facts: none, scores: none, ...tool, run: tool.run };
}

/** A path in an agent's workspace, as a tool's argument. */
export const PathArgument = z
  .string()
  .min(1)
  .max(4_096)
  .describe('a path in the workspace, such as /engineering_plan.md');

const SUBJECT_CHARS_MAX = 80;

/** An unchecked argument as a short text for a subject; '' when it is none. */
export const textOf = (argument: Json | undefined): string =>
  typeof argument === 'string' ? argument.slice(0, SUBJECT_CHARS_MAX) : '';

/** The named members, where there are such: a fact's payload. */
export const pick = (from: JsonObject, ...names: string[]): JsonObject =>
  Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));

/** The objects of a list, where there is one: a result is read as leniently as any row. */
export const objectsOf = (value: Json | undefined): JsonObject[] =>
  Array.isArray(value)
    ? value.filter((one): one is JsonObject => typeof one === 'object' && one !== null && !Array.isArray(one))
    : [];

const pathOf = ({ path }: JsonObject) => textOf(path);
