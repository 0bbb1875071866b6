import { tool } from '@langchain/core/tools';
import { entrypoint, InMemoryStore, MemorySaver, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createAgents } from '../../../src/agents/agents.ts';
import { compileOwn } from '../../../src/agents/own/team.ts';
import { defineAgent, defineTool } from '../../../src/config/define.ts';
import { Options } from '../../../src/config/options.ts';
import type { OwnAgentInput } from '../../../src/schemas/own-agent.ts';

const nodes = () =>
  new StateGraph(MessagesAnnotation).addNode('one', () => ({ messages: ['hi'] })).addEdge(START, 'one');
const own = (changes: object = {}) =>
  ({ ...defineAgent({ name: 'mine', description: 'An agent', graph: nodes() }), ...changes }) as OwnAgentInput;
const add = tool(() => '2', { name: 'add', description: 'Adds', schema: z.object({ a: z.number() }) });
const note = defineTool({ name: 'note', description: 'Notes', input: z.object({ text: z.string() }), run: () => 'ok' });

const issuesOf = (agents: unknown) =>
  Options.safeParse({ agents }).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('the configuration of agents', () => {
  test('takes builders, compiled graphs and functions, with tools of LangChain and own ones', () => {
    const graphs = [nodes(), nodes().compile(), () => nodes()];
    const agents = graphs.map((graph, index) => own({ name: `mine_${index}`, graph, tools: [add, note] }));
    expect(issuesOf(agents)).toBeUndefined();
  });

  test.for([
    [[own({ name: 'My agent' })], 'agents.0.name: must be a name such as my_agent'],
    [
      [own({ graph: 3 })],
      'agents.0.graph: must be a LangGraph builder, a compiled graph, or a function that returns one',
    ],
    [[own({ outcome: 'APPROVED' })], 'agents.0.outcome: must be a function'],
    [[own({ input: {} })], 'agents.0.input: must be a function'],
    [[own({ prompt: 'Be good' })], 'agents.0: Unrecognized key: "prompt"'],
    [[own({ tools: [add, add] })], 'agents.0.tools.1.name: there is another add'],
    [[own({ tools: [{ ...note, input: 3 }] })], 'agents.0.tools.0.input: must be a z.object({ … }) of zod 4'],
    [[own(), own()], 'agents.1.name: there is another mine'],
  ] as const)('names the member that is wrong: %#', ([agents, issue]) => {
    expect(issuesOf(agents)).toContain(issue);
  });

  test('refuses the names of built-in agents and tools', () => {
    const made = (agent: OwnAgentInput) => {
      const [parsed] = Options.parse({ agents: [agent] }).agents ?? [];
      return () => createAgents(new Map([['it', parsed!]]));
    };
    expect(made(own({ name: 'single_engineer' }))).toThrow('agents.single_engineer.name is that of a built-in agent');
    expect(made(own({ tools: [{ ...note, name: 'write_file' }] }))).toThrow(
      'agents.mine.tools: write_file is the name of a built-in tool',
    );
  });
});

describe('a graph', () => {
  const compile = async (graph: unknown) => {
    const agents = Options.parse({ agents: [own({ graph })] }).agents ?? [];
    const { own: team } = createAgents(new Map(agents.map((agent) => [agent.name, agent]))).get('mine');
    return compileOwn(team!, new MemorySaver());
  };

  test.for([
    [() => nodes().compile({ checkpointer: new MemorySaver() }), 'agents.mine.graph has a checkpointer of its own'],
    [
      () =>
        new StateGraph(MessagesAnnotation)
          .addNode('sub', nodes().compile({ checkpointer: true }))
          .addEdge(START, 'sub'),
      'agents.mine.graph has the subgraph sub, which keeps a memory of its own',
    ],
    [
      () => {
        throw new Error('no such prompt');
      },
      'agents.mine.graph cannot be made: no such prompt',
    ],
    [() => ({ stream: 1 }), 'agents.mine.graph is none of LangGraph'],
    [
      () => nodes().compile({ store: new InMemoryStore() }),
      'agents.mine.graph has a store, whose contents would leave no record',
    ],
    [
      () => entrypoint({ name: 'functional' }, (text: string) => Promise.resolve(text)),
      'agents.mine.graph is of the functional API, whose calls leave no record',
    ],
  ] as const)('is refused by name where it cannot be recorded: %#', async ([graph, why]) => {
    await expect(compile(graph)).rejects.toThrow(why);
  });

  test('is compiled on the checkpointer of the record', async () => {
    const graph = await compile(nodes());
    expect(graph.checkpointer).toBeInstanceOf(MemorySaver);
  });
});
