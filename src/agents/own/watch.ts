import { BaseCallbackHandler } from '@langchain/core/callbacks/base';
import type { Serialized } from '@langchain/core/load/serializable';
import { isGraphInterrupt } from '@langchain/langgraph';
import { AppError } from '../../errors.ts';

/** How models and tools of ours are told from others where LangChain names what starts. */
export const RECORDED_NAMESPACE = 'problemologist_observatory';

/** A question that a graph's own `interrupt()` asks: where, and what. */
export type Interrupted = { id: string; checkpoint_ns: string; value: unknown };

/** What a pass sees of the graph's run besides its own models and tools. */
export type Watch = {
  handler: BaseCallbackHandler;
  /** The name of each part of a checkpoint namespace (`node:task-id`): its node, and which of its tasks where there are several. */
  names: ReadonlyMap<string, string>;
  interrupts: readonly Interrupted[];
  /** The first start of a model or tool that records nothing. */
  unrecorded: () => AppError | undefined;
};

/** Watches one pass: names tasks as they start, hears interrupts, and stops what would think or act without a record. */
export function createWatch(inside: readonly string[]): Watch {
  const names = new Map<string, string>();
  const spaces = new Map<string, string>();
  const interrupts: Interrupted[] = [];
  let unrecorded: AppError | undefined;
  const refuse = (what: string) => {
    unrecorded ??= new AppError(
      'failed_precondition',
      `${what}: it would leave no record. Take models and tools from what the graph's function is given.`,
      { details: { origin: 'unrecorded_call' } },
    );
    throw unrecorded;
  };
  const isOurs = ({ id }: Serialized) => id.includes(RECORDED_NAMESPACE);
  const handler = BaseCallbackHandler.fromMethods({
    handleChainStart(...[, , run, , , metadata]) {
      const { langgraph_checkpoint_ns: ns, langgraph_path: path, langgraph_step: step } = metadata ?? {};
      if (typeof ns !== 'string' || !Array.isArray(path)) return;
      spaces.set(run, ns);
      const parts = ns.split('|');
      const own = parts.at(-1) ?? '';
      const name = own.slice(0, own.indexOf(':'));
      // The superstep of the whole graph is counted by us: LangGraph's own number also counts what is no superstep.
      const at = parts.length === 1 ? name : `${name}@${String(step)}`;
      const index = path.findLast((part) => typeof part === 'number');
      names.set(own, typeof index === 'number' ? `${at}[${index}]` : at);
    },
    handleChainError(error: unknown, run) {
      if (!isGraphInterrupt(error)) return;
      for (const { id, value } of error.interrupts) {
        const checkpoint_ns = spaces.get(run);
        if (id === undefined || checkpoint_ns === undefined || interrupts.some((one) => one.id === id)) continue;
        interrupts.push({ id, checkpoint_ns, value });
      }
    },
    handleChatModelStart(model) {
      if (!isOurs(model)) refuse(`the graph asks the model ${model.id.at(-1)} that it made for itself`);
    },
    handleLLMStart(model) {
      if (!isOurs(model)) refuse(`the graph asks the model ${model.id.at(-1)} that it made for itself`);
    },
    handleToolStart(...[tool, , , , , , name]) {
      const called = name ?? tool.name ?? tool.id.at(-1) ?? '';
      if (!isOurs(tool) && !inside.includes(called))
        refuse(`the graph calls the tool ${called} that it made for itself`);
    },
  });
  handler.raiseError = true;
  handler.awaitHandlers = true;
  return { handler, names, interrupts, unrecorded: () => unrecorded };
}
