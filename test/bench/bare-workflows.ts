import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { BareActivities } from './bare-worker.ts';

const { advance, look, nothing } = proxyActivities<BareActivities>({ startToCloseTimeout: '1 minute' });

/** The loop of an episode without its record: a thought, then its calls side by side. */
export async function BareEpisodeWorkflow({ id, calls }: { id: string; calls: readonly number[] }): Promise<void> {
  const { runId: run_id } = workflowInfo();
  let from: string | null = null;
  for (const count of calls) {
    from = await advance({ thread_id: id, run_id, from, calls: count });
    await Promise.all(Array.from({ length: count }, () => look()));
  }
}

/** Activities that do nothing, one after another. */
export async function NothingWorkflow(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) await nothing();
}
