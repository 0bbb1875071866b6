import { Command } from '@langchain/langgraph';
import type { Pool } from 'pg';
import { AppError } from '../../errors.ts';
import { findCommitted } from '../superstep.ts';
import { withPass } from './pass.ts';
import type { RunningPass } from './pass.ts';
import type { CompiledGraph } from './team.ts';

/** Where a graph of one's own stands: its checkpoint, the nodes that come next (none: it has ended), and its state. */
export type OwnPosition = { checkpoint_id: string; next: string[]; state: Record<string, unknown> };

/** Where a pass begins. `input` is what a new graph is told (no superstep runs), or what an interrupted one goes on with. */
export type PassPlace = { thread_id: string; run_id: string; from: string | null; input: object | null };

/** Answers to a graph's own questions, by their ids. */
export const answering = (answers: Record<string, unknown>): Command => new Command({ resume: answers });

/** Where the graph stands after a pass: past the superstep, or still before it, on the checkpoint that the next pass begins with. */
export type PassEnd = { position: OwnPosition } | { base: string };

/**
 * Runs one superstep of a user's graph, as far as its questions have answers. Throws what the pass failed with, and internal
 * where the graph itself did.
 */
export async function runPass(
  graph: CompiledGraph,
  { pass, watch, failure, unanswered }: RunningPass,
  { thread_id, run_id, from, input }: PassPlace,
): Promise<PassEnd> {
  let last: CheckpointEvent | undefined;
  try {
    const stream = await graph.stream(input, {
      configurable: { ...withPass(pass), thread_id, ...(from && { checkpoint_id: from }) },
      metadata: { episode_run: run_id },
      callbacks: [watch.handler],
      interruptBefore: '*', // one superstep a pass
      durability: 'sync',
      streamMode: 'checkpoints',
    });
    for await (const event of stream) last = event as unknown as CheckpointEvent;
  } catch (error) {
    throw asError(failure()) ?? graphFailure(error);
  }
  const failed = asError(failure());
  if (failed) throw failed;
  // What a pass is told (words, answers) can make a checkpoint of its own below the superstep.
  const checkpoint_id = last?.config?.configurable?.checkpoint_id ?? from;
  if (checkpoint_id === null) throw new AppError('internal', 'the graph did not begin');
  if (from === null) return { position: await positionAt(graph, thread_id, checkpoint_id) };
  if (checkpoint_id === from || last?.metadata?.source !== 'loop') return { base: checkpoint_id };
  const [left] = unanswered();
  if (left !== undefined)
    throw new AppError(
      'failed_precondition',
      `the graph went on without the answer of ${left}: its code must let GraphInterrupt pass, as LangGraph demands`,
    );
  return { position: await positionAt(graph, thread_id, checkpoint_id) };
}

type CheckpointEvent = {
  config?: { configurable?: { checkpoint_id?: string } };
  metadata?: { source?: string };
};

const asError = (thrown: unknown): Error | undefined =>
  thrown === undefined || thrown instanceof Error ? thrown : AppError.from(thrown);

const graphFailure = (error: unknown): AppError => {
  const { code, message } = AppError.from(error);
  return new AppError(code, `the graph failed: ${message}`, { cause: error });
};

/** What an earlier try of this run committed on a checkpoint: the superstep (`done`), or only the input or fork below it. */
export async function findEarlier(
  { graph, pool }: { graph: CompiledGraph; pool: Pool },
  { thread_id, run_id, from }: Omit<PassPlace, 'input'>,
): Promise<{ position: OwnPosition; done: boolean } | undefined> {
  const found = await findCommitted(pool, { thread_id, run_id, from });
  return found && { position: await positionAt(graph, thread_id, found.checkpoint_id), done: found.done };
}

/** Where the graph stands on a checkpoint. */
export async function positionAt(graph: CompiledGraph, thread_id: string, checkpoint_id: string): Promise<OwnPosition> {
  const snapshot = await graph.getState({ configurable: { thread_id, checkpoint_id } });
  const state = snapshot.values as Record<string, unknown>;
  return { checkpoint_id, next: snapshot.tasks.map(({ name }) => name), state };
}
