import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import type { CompiledStateGraph } from '@langchain/langgraph';
import { AppError } from '../../errors.ts';
import type { OwnAgent, UserGraph } from '../../schemas/own-agent.ts';
import type { AgentDefinition } from '../role.ts';
import { FILE_TOOLS } from '../tools/files.ts';
import { RecordedModel } from './recorded.ts';
import { bringTool, recordedTool } from './tools.ts';
import type { OwnTeam } from './tools.ts';

/** A user's graph, compiled for the record. */
export type CompiledGraph = CompiledStateGraph<object, object, string>;

/** The agent's definition. Throws invalid_argument, naming the tool, where one has the name of a built-in tool. */
export function defineOwnTeam(agent: OwnAgent, builtIn: ReadonlySet<string>): AgentDefinition {
  const brought = new Map(agent.tools.map((tool) => [tool.name, bringTool(tool)]));
  for (const name of brought.keys())
    if (builtIn.has(name))
      throw new AppError('invalid_argument', `agents.${agent.name}.tools: ${name} is the name of a built-in tool`);
  const given = [...[...brought.values()].map(({ recorded }) => recorded), ...FILE_TOOLS.map(recordedTool)];
  const recorded = new Map(given.map((tool) => [tool.name, tool]));
  const { name, description } = agent;
  const role = { name, prompt: '', tools: [...recorded.keys()], writes: { allow: ['/'] } };
  return { name, description, roles: [role], review_rounds_max: 1, own: { agent, brought, recorded } };
}

/** The agent's graph on our checkpointer. Throws invalid_argument that names what of it cannot be had. */
export async function compileOwn(
  { agent, brought, recorded }: OwnTeam,
  checkpointer: BaseCheckpointSaver,
): Promise<CompiledGraph> {
  const refuse = (why: string) => new AppError('invalid_argument', `agents.${agent.name}.graph ${why}`);
  let given: UserGraph;
  try {
    given =
      typeof agent.graph === 'function'
        ? await agent.graph({
            model: (choice = {}) => new RecordedModel(choice),
            tools: [...recorded.values()].filter(({ name }) => brought.has(name)),
            files: [...recorded.values()].filter(({ name }) => !brought.has(name)),
          })
        : agent.graph;
  } catch (error) {
    throw refuse(`cannot be made: ${error instanceof Error ? error.message : String(error)}`);
  }
  const held = 'graph' in given && !('nodes' in given) ? (given.graph as UserGraph) : given;
  const graph = ('stream' in held ? held : compile(held)) as CompiledGraph;
  if (typeof graph.stream !== 'function' || !('nodes' in graph)) throw refuse('is none of LangGraph');
  if ('__previous__' in graph.channels)
    throw refuse('is of the functional API, whose calls leave no record: build a StateGraph');
  if (graph.checkpointer) throw refuse('has a checkpointer of its own: compile it without');
  if (graph.store) throw refuse('has a store, whose contents would leave no record: compile it without');
  for await (const [name, sub] of graph.getSubgraphsAsync(undefined, true))
    if (sub.checkpointer)
      throw refuse(`has the subgraph ${name}, which keeps a memory of its own (checkpointer): leave that out`);
  graph.checkpointer = checkpointer;
  return graph;
}

const compile = (builder: UserGraph): unknown => ('compile' in builder ? builder.compile() : builder);
