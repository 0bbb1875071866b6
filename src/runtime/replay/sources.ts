import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { AppError } from '../../errors.ts';
import { factsOf } from './history-events.ts';
import type { HistoryFacts } from './history-events.ts';

/** A run's history as Temporal has it, what it says of itself, and its JSON as Temporal's tools write it. */
export type FetchedHistory = { run_id: string; history: History; facts: HistoryFacts; json: string };

/** A chain longer than this is a mistake: 10,000 steps make about 14 runs, and resets are made by people. */
const RUNS_MAX = 1_000;

/**
 * The histories of a workflow's runs, newest first: the given ones and all that they go on from (continued as new, or
 * reset), and the latest where none is given; not those that are `known`. A run that Temporal no longer has is left out.
 * Throws `unavailable`.
 */
export async function* fetchHistories(
  client: Client,
  { workflow_id, runs, known = [] }: { workflow_id: string; runs: readonly string[]; known?: readonly string[] },
): AsyncGenerator<FetchedHistory> {
  const seen = new Set(known);
  const waiting: (string | undefined)[] = runs.length === 0 ? [undefined] : runs.toReversed();
  while (waiting.length > 0) {
    const run = waiting.shift();
    if (run !== undefined && seen.has(run)) continue;
    if (seen.size >= RUNS_MAX)
      throw new AppError('resource_exhausted', `${workflow_id} has more than ${RUNS_MAX} runs`);
    const fetched = await fetchHistory(client, workflow_id, run);
    seen.add(run ?? fetched?.run_id ?? '');
    if (!fetched) continue;
    yield fetched;
    waiting.unshift(...fetched.facts.earlier_runs);
  }
}

/** The server gives the members of its maps out in any order: sorted, the same history is the same text and hash. */
const stableText = (history: History): string =>
  JSON.stringify(JSON.parse(historyToJSON(history)), (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

/** One run's history, of the latest run where none is named; undefined where Temporal has none. Throws `unavailable`. */
async function fetchHistory(client: Client, workflow_id: string, run?: string): Promise<FetchedHistory | undefined> {
  try {
    const history = await client.workflow.getHandle(workflow_id, run).fetchHistory();
    const facts = factsOf(history);
    return { run_id: run ?? facts.run_id, history, facts, json: stableText(history) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw new AppError('unavailable', 'Temporal does not answer', { cause: error });
  }
}
