import type { Pool } from 'pg';
import { listCheckpointsOfRun } from '../db/checkpointer.ts';
import { AppError } from '../errors.ts';
import type { AgentGraph, AgentState, TurnContext } from './graph.ts';

/** The run whose checkpoints these are, and the one to go on from (null: the thread is new). */
export type SuperstepCall = {
  thread_id: string;
  run_id: string;
  from: string | null;
  context: TurnContext;
};

/** The graph's position: its checkpoint, the keys of the tasks that come next (none: it has ended), and its state. */
export type GraphPosition = { checkpoint_id: string; next: string[]; state: AgentState };

/**
 * Runs exactly one superstep of the graph; without `from` it records the input and runs none. `recovering` (a second
 * try) first looks for what an earlier try committed on that checkpoint and returns it instead of running again.
 */
export async function runSuperstep(
  { graph, pool }: { graph: AgentGraph; pool: Pool },
  call: SuperstepCall,
  recovering: boolean,
): Promise<GraphPosition> {
  const { thread_id, run_id, from, context } = call;
  let base = from;
  if (recovering) {
    const earlier = await findCommitted(pool, call);
    if (earlier?.done) return positionAt(graph, thread_id, earlier.checkpoint_id);
    base = earlier?.checkpoint_id ?? from;
  }
  const configurable = { thread_id, ...(base && { checkpoint_id: base }) };
  const input = base === null ? {} : null;
  const stream = await graph.stream(input, {
    configurable: { ...context, ...configurable },
    metadata: { episode_run: run_id },
    // No signal: it would leave the graph while a node still records how its step ended. Nodes stop by their own.
    interruptBefore: '*', // one superstep a call
    durability: 'sync',
    streamMode: 'checkpoints',
  });
  let last: CheckpointEvent | undefined;
  for await (const event of stream) last = event as unknown as CheckpointEvent;
  const checkpoint_id = last?.config?.configurable?.checkpoint_id;
  if (!checkpoint_id || (base !== null && (checkpoint_id === base || last?.metadata?.source !== 'loop')))
    throw new AppError('internal', `the graph did not move on from checkpoint ${base}`);
  return positionAt(graph, thread_id, checkpoint_id);
}

type CheckpointEvent = {
  config?: { configurable?: { checkpoint_id?: string } };
  metadata?: { source?: string };
};

/** What this run committed on top of `from`: the superstep itself (`done`), or only the input or fork below it. */
export async function findCommitted(
  pool: Pool,
  { thread_id, run_id, from }: Omit<SuperstepCall, 'context'>,
): Promise<{ checkpoint_id: string; done: boolean } | undefined> {
  const line = new Set<string | null>([from]);
  let base: string | undefined;
  for (const { id, parent, source } of await listCheckpointsOfRun(pool, { thread_id, run_id, after: from })) {
    if (!line.has(parent)) continue;
    if (source === 'loop') return { checkpoint_id: id, done: true };
    if (source !== 'fork' && source !== 'input') continue;
    base = id;
    line.add(id);
  }
  return base === undefined ? undefined : { checkpoint_id: base, done: false };
}

async function positionAt(graph: AgentGraph, thread_id: string, checkpoint_id: string): Promise<GraphPosition> {
  const snapshot = await graph.getState({ configurable: { thread_id, checkpoint_id } });
  return {
    checkpoint_id,
    next: snapshot.tasks.map(({ id, name }) => `${name}:${id}`),
    state: snapshot.values as AgentState,
  };
}
