import type { StructuredToolInterface } from '@langchain/core/tools';
import { isCommand } from '@langchain/langgraph';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { OwnAgent, OwnTool } from '../../schemas/own-agent.ts';
import { storableJson } from '../../schemas/primitives.ts';
import type { Json, JsonObject } from '../../schemas/primitives.ts';
import type { ToolOutput } from '../../schemas/step.ts';
import { defineTool } from '../tools/tool.ts';
import type { Tool, ToolContext } from '../tools/tool.ts';
import type { ToolAnswer } from './pass.ts';
import { RecordedTool } from './recorded.ts';

/** A tool that a user brought: how it runs, how its graph knows it, and whether each call waits for a person. */
export type BroughtTool = { tool: Tool; recorded: RecordedTool; ask: boolean };

/** An agent that a user brought, as the rest of the system knows agents: one role, whose work is a graph of its own. */
export type OwnTeam = {
  agent: OwnAgent;
  brought: ReadonlyMap<string, BroughtTool>;
  /** Every tool that the graph is given, as it knows it. */
  recorded: ReadonlyMap<string, RecordedTool>;
};

/** The tool as activities run it, and as a graph asks it. */
export function bringTool(brought: StructuredToolInterface | OwnTool): BroughtTool {
  return 'invoke' in brought ? bringLangChainTool(brought) : bringOwnTool(brought);
}

function bringOwnTool({ name, description, input, run, read_only = true, approval }: OwnTool): BroughtTool {
  const tool = defineTool({
    name,
    description,
    read_only,
    input,
    run: (args, context) =>
      outputOf(name, context, () =>
        run(args, {
          folder: context.workspace_dir,
          signal: context.signal,
          log: (text) => context.log.write('agent', text),
        }),
      ),
  });
  return { tool, recorded: new RecordedTool({ name, description, schema: input }), ask: approval === 'ask' };
}

/** LangChain's own checks take the arguments: here any object passes. */
const AnyArguments = z.looseObject({});

function bringLangChainTool(original: StructuredToolInterface): BroughtTool {
  const { name, description } = original;
  const { responseFormat } = original as Partial<RecordedTool>;
  const tool = defineTool({
    name,
    description,
    read_only: true, // it knows nothing of the workspace
    input: AnyArguments,
    run: (args, context) =>
      outputOf(name, context, async () => {
        const { signal } = context;
        if (responseFormat !== 'content_and_artifact') return original.invoke(args as never, { signal });
        const asked = { type: 'tool_call' as const, id: context.step.id, name, args };
        const { content, artifact } = (await original.invoke(asked as never, { signal })) as ToolResult;
        return new WithArtifact(content, artifact);
      }),
  });
  return { tool, recorded: new RecordedTool(original), ask: false };
}

type ToolResult = { content: unknown; artifact: unknown };

class WithArtifact {
  readonly content: unknown;
  readonly artifact: unknown;
  constructor(content: unknown, artifact: unknown) {
    this.content = content;
    this.artifact = artifact;
  }
}

/** A built-in tool as a graph asks it. */
export const recordedTool = ({ name, description, input }: Tool): RecordedTool =>
  new RecordedTool({ name, description, schema: input });

/** What a tool's function comes to, as a row holds it; what it throws is told to the graph. */
async function outputOf(name: string, { signal }: ToolContext, run: () => unknown): Promise<ToolOutput> {
  let value: unknown;
  try {
    value = await run();
  } catch (error) {
    if (signal.aborted) throw error;
    const told = AppError.from(error);
    throw told.agentVisible ? told : new AppError('failed_precondition', told.message, { cause: error });
  }
  if (isCommand(value))
    throw new AppError(
      'unimplemented',
      `the tool ${name} returned a Command, which changes the graph's state: make it within the graph and name it in the agent's \`inside\``,
    );
  if (value instanceof WithArtifact) {
    const artifact = jsonOf(name, value.artifact);
    return { content: textOf(value.content), result: { value: jsonOf(name, value.content), artifact } };
  }
  return typeof value === 'string'
    ? { content: value }
    : { content: textOf(value), result: { value: jsonOf(name, value) } };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** The value as it would be read back; throws invalid_argument where it would be another. */
function jsonOf(name: string, value: unknown): Json {
  if (value === undefined) return null;
  try {
    return storableJson(JSON.parse(JSON.stringify(value)) as Json);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AppError('failed_precondition', `what the tool ${name} returned is no JSON: ${why}`);
  }
}

/** What the graph gets of a recorded call. */
export function answerOf({ content, result }: ToolOutput): ToolAnswer {
  if (!result || !('value' in result)) return { value: content };
  return { value: result['value'], ...('artifact' in result && { artifact: result['artifact'] }) };
}

/** The arguments as the tool's graph sees them: checked, defaults filled in. */
export function argumentsOf({ schema }: RecordedTool, args: JsonObject): unknown {
  return schema instanceof z.ZodType ? schema.safeParse(args).data : args;
}
