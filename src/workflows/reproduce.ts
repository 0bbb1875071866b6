import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { ReproduceActivities, Reproduced, ReproduceRequest } from '../activities/reproduce.ts';
import { TOOL_CALL } from './activity-options.ts';
import { prefixOf, taskQueue } from './names.ts';

/** Runs recorded simulations again, one after another, each scored by itself. */
export async function ReproduceWorkflow(requests: ReproduceRequest[]): Promise<Reproduced[]> {
  const prefix = prefixOf(workflowInfo().taskQueue, 'maintenance');
  const { reproduce } = proxyActivities<ReproduceActivities>({
    ...TOOL_CALL,
    taskQueue: taskQueue(prefix, 'simulation'),
  });
  const ends: Reproduced[] = [];
  for (const request of requests)
    ends.push(await reproduce.executeWithOptions({ summary: `simulate step ${request.seq} again` }, [request]));
  return ends;
}
