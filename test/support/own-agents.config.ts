// Graphs as LangGraph's users write them, for the tests of agents of one's own.
import { tool } from '@langchain/core/tools';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { Annotation, Command, END, interrupt, MessagesAnnotation, Send, START, StateGraph } from '@langchain/langgraph';
import { createAgent } from 'langchain';
import { z } from 'zod';
import { defineAgent, defineConfig, defineTool } from '../../src/config/define.ts';

const add = tool(({ a, b }) => String(a + b), {
  name: 'add',
  description: 'Adds two numbers',
  schema: z.object({ a: z.number(), b: z.number().default(1) }),
});
const divide = tool(
  ({ a, b }) => {
    if (b === 0) throw new Error('nothing is divided by 0');
    return { quotient: a / b };
  },
  { name: 'divide', description: 'Divides two numbers', schema: z.object({ a: z.number(), b: z.number() }) },
);
const note = defineTool({
  name: 'note',
  description: 'Writes a file into the workspace',
  input: z.object({ path: z.string(), text: z.string() }),
  read_only: false,
  async run({ path, text }, { folder, log }) {
    const { writeFile } = await import('node:fs/promises');
    await writeFile(`${folder}/${path}`, text);
    log(`wrote ${path}`);
    return `wrote ${path}`;
  },
});

/** The loop that `createAgent` makes. */
const react = defineAgent({
  name: 'react',
  description: 'Thinks, calls tools, and thinks again',
  tools: [add, divide, note],
  graph: ({ model, tools, files }) => createAgent({ model: model(), tools: [...tools, ...files] }),
});

const Notes = Annotation.Root({
  ...MessagesAnnotation.spec,
  notes: Annotation<string[]>({ reducer: (all, more) => all.concat(more), default: () => [] }),
  rounds: Annotation<number>({ reducer: (_, next) => next, default: () => 0 }),
});

/** Own channels with reducers, a cycle, a conditional edge, Command with goto, and an agent as a subgraph. */
const nested = defineAgent({
  name: 'nested',
  description: 'Has an agent work in rounds',
  tools: [add, divide],
  graph: ({ model, tools }) =>
    new StateGraph(Notes)
      .addNode('prepare', () => ({ notes: ['prepared'] }))
      .addNode('worker', createAgent({ model: model(), tools }).graph as never)
      .addNode('count', ({ rounds }) => ({ rounds: rounds + 1, notes: [`round ${rounds + 1}`] }))
      .addNode('decide', ({ rounds }) => new Command({ goto: rounds < 2 ? 'worker' : END }), {
        ends: ['worker', END],
      })
      .addEdge(START, 'prepare')
      .addEdge('prepare', 'worker')
      .addEdge('worker', 'count')
      .addEdge('count', 'decide'),
  outcome: ({ rounds }) => (rounds === 2 ? 'APPROVED' : 'REJECTED_BY_REVIEW'),
});

const Numbers = Annotation.Root({
  numbers: Annotation<number[]>(),
  n: Annotation<number>(),
  sums: Annotation<string[]>({ reducer: (all, more) => all.concat(more), default: () => [] }),
  said: Annotation<string>(),
});

/** A map by `Send` whose tasks call tools and ask models side by side, and a reduce. */
const fan = defineAgent({
  name: 'fan',
  description: 'Sends out numbers and gathers sums',
  tools: [add],
  input: ({ task }) => ({ numbers: task.split(' ').map(Number) }),
  graph: ({ model, tools: [sum] }) =>
    new StateGraph(Numbers)
      .addNode('split', () => ({}))
      .addNode('work', async ({ n }) => {
        const first: unknown = await sum?.invoke({ a: n });
        const second: unknown = await sum?.invoke({ a: n, b: 10 });
        const { text } = await model({ as: `worker_${n}` }).invoke(`What of ${n}?`);
        return { sums: [`${n}: ${String(first)} ${String(second)} ${text}`] };
      })
      .addNode('gather', ({ sums }) => ({ said: sums.toSorted().join('; ') }))
      .addEdge(START, 'split')
      .addConditionalEdges('split', ({ numbers }) => numbers.map((n) => new Send('work', { n })), ['work'])
      .addEdge('work', 'gather')
      .addEdge('gather', END),
  outcome: ({ said }) => (typeof said === 'string' ? 'COMPLETED' : 'REJECTED_BY_REVIEW'),
});

/** Asks a person twice within one node, with a call between. */
const asking = defineAgent({
  name: 'asking',
  description: 'Asks a person',
  tools: [add],
  input: () => ({ numbers: [] }),
  graph: ({ tools: [sum] }) =>
    new StateGraph(Numbers)
      .addNode('ask', async () => {
        const a = Number(interrupt('Which number?'));
        const first: unknown = await sum?.invoke({ a });
        const { b } = interrupt<object, { b: number }>({ question: 'And which other?', had: first });
        return { said: `${String(first)} ${b}` };
      })
      .addEdge(START, 'ask')
      .addEdge('ask', END),
  outcome: ({ said }) => (said === '5 7' ? 'APPROVED' : 'REJECTED_BY_REVIEW'),
});

const oneNode = (run: () => unknown) =>
  new StateGraph(MessagesAnnotation)
    .addNode('only', async () => ({ messages: [String(await run())] }))
    .addEdge(START, 'only')
    .addEdge('only', END);

/** Asks a model that it makes for itself. */
const rogue = defineAgent({
  name: 'rogue',
  description: 'Thinks behind the record’s back',
  graph: oneNode(() => new FakeListChatModel({ responses: ['hi'] }).invoke('hello')),
});
/** Calls a tool that is none of its own. */
const sly = defineAgent({
  name: 'sly',
  description: 'Acts behind the record’s back',
  graph: oneNode(() => add.invoke({ a: 1 })),
});
/** Takes the interrupt of a call for an error of its tool. */
const catching = defineAgent({
  name: 'catching',
  description: 'Catches what it must let pass',
  tools: [add],
  graph: ({ tools: [sum] }) => oneNode(() => sum?.invoke({ a: 1 }).catch(() => 'it failed')),
});
/** Asks another question each time that it runs. */
const fickle = defineAgent({
  name: 'fickle',
  description: 'Asks something else each time',
  tools: [add],
  graph: ({ tools: [sum] }) => oneNode(() => sum?.invoke({ a: Math.random() })),
});

export default defineConfig({ agents: [react, nested, fan, asking, rogue, sly, catching, fickle] });
