import type { AIMessage, BaseMessage } from '@langchain/core/messages';
import type { RunnableConfig } from '@langchain/core/runnables';
import { AsyncLocalStorageProviderSingleton } from '@langchain/core/singletons';
import { GraphInterrupt } from '@langchain/langgraph';
import { AppError } from '../../errors.ts';
import type { JsonObject } from '../../schemas/primitives.ts';
import type { ModelChoice } from '../../schemas/own-agent.ts';
import type { ToolDescription } from '../models/model.ts';
import { createWatch } from './watch.ts';
import type { Watch } from './watch.ts';

// A pass runs one superstep of a user's graph. What models and tools were asked before is served from the record; the first
// question to a model without an answer is asked in place; all else is noted, and the superstep runs again once it is answered.

/** What a model of ours is asked within a graph. */
export type ModelAsk = { messages: BaseMessage[]; tools: ToolDescription[]; choice: ModelChoice };
/** What a tool of ours is asked; `id` is the call's, where a model asked for it. */
export type ToolAsk = { name: string; args: JsonObject; id: string | undefined };
/** What a tool came to: what its function returned, or why it failed. */
export type ToolAnswer = { value: unknown; artifact?: unknown } | { error: string };

/** Where something is asked: the key that holds over retries, resets, forks and runs again, and the path of node names. */
export type Asking = { key: string; path: string };

/** The record as a pass uses it. */
export type PassRecord = {
  /** What the model answered, on record or now; undefined where it is to be asked by a later pass. Throws where something else was asked. */
  think: (asking: Asking, ask: ModelAsk) => Promise<AIMessage | undefined>;
  /** What the tool came to; undefined where it has not run. Throws where something else was asked. */
  answer: (asking: Asking, ask: ToolAsk) => Promise<ToolAnswer | undefined>;
};

/** A call that is to run before the superstep can go on. */
export type Noted = Asking & ToolAsk;

/** What a model or tool of ours finds in the configuration of the node that asks it. */
export type Pass = {
  think: (config: RunnableConfig, ask: ModelAsk) => Promise<AIMessage>;
  call: (config: RunnableConfig, ask: ToolAsk) => Promise<ToolAnswer>;
};

/** A pass with what it came to. */
export type RunningPass = {
  pass: Pass;
  watch: Watch;
  /** In the order of their keys' paths. */
  noted: () => Noted[];
  /** What is still without an answer, in words: nothing where all was served. */
  unanswered: () => string[];
  /** Why the pass failed, where it did: the graph was stopped, and may have heard of it as an interrupt. */
  failure: () => unknown;
  keyOf: (checkpoint_ns: string, name: string, occurrence: number) => Asking;
};

/** Begins a pass over the superstep with this number, counted from the beginning of the graph. */
export function beginPass(superstep: number, inside: readonly string[], record: PassRecord): RunningPass {
  const watch = createWatch(inside);
  const counts = new Map<string, number>();
  const noted: Noted[] = [];
  const waiting: string[] = [];
  let failure: unknown;
  const keyOf = (checkpoint_ns: string, name: string, occurrence: number): Asking => {
    const path = checkpoint_ns
      .split('|')
      .map((part) => watch.names.get(part) ?? part.replace(/:.*/, ''))
      .join('/');
    return { key: `${superstep}/${path}/${name}#${occurrence}`, path };
  };
  const place = ({ configurable }: RunnableConfig, name: string): Asking => {
    const checkpoint_ns = String(configurable?.['checkpoint_ns'] ?? '');
    const counted = `${checkpoint_ns}/${name}`;
    const occurrence = (counts.get(counted) ?? 0) + 1;
    counts.set(counted, occurrence);
    return keyOf(checkpoint_ns, name, occurrence);
  };
  /** What the record says; where it fails the graph is stopped, whose code might make something else of an error. */
  const ask = async <Answer>(find: () => Promise<Answer | undefined>, note: () => void): Promise<Answer> => {
    let answer: Answer | undefined;
    try {
      // What answers is no part of the graph's run: its callbacks and configuration end here.
      if (failure === undefined) answer = await AsyncLocalStorageProviderSingleton.runWithConfig({}, find, true);
    } catch (error) {
      failure ??= error;
    }
    if (answer !== undefined) return answer;
    if (failure === undefined) note();
    throw new GraphInterrupt([]);
  };
  return {
    pass: {
      think(config, asked) {
        const asking = place(config, asked.choice.as ?? 'think');
        return ask(
          () => record.think(asking, asked),
          () => waiting.push(`the model at ${asking.path}`),
        );
      },
      call(config, asked) {
        const asking = place(config, asked.name);
        return ask(
          () => record.answer(asking, asked),
          () => noted.push({ ...asking, ...asked }),
        );
      },
    },
    watch,
    noted: () => noted.toSorted((a, b) => (a.path === b.path ? 0 : a.path < b.path ? -1 : 1)),
    unanswered: () => [...waiting, ...noted.map(({ name, path }) => `the tool ${name} at ${path}`)],
    failure: () => failure ?? watch.unrecorded(),
    keyOf,
  };
}

const MEMBER = 'observatory_pass';

/** What a graph's run is told of its pass: it reaches every node and subgraph, and enters no checkpoint. */
export const withPass = (pass: Pass) => ({ [MEMBER]: pass });

/** The pass in which a node runs; throws outside of one. */
export function passOf(config: RunnableConfig | undefined, what: string): Pass {
  const pass = config?.configurable?.[MEMBER] as Pass | undefined;
  if (pass) return pass;
  throw new AppError('failed_precondition', `${what} answers only within an episode, to a node of its graph`);
}
