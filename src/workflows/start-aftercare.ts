import { ChildWorkflowCancellationType, ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import type { Aftercare } from '../activities/traces/aftercare.ts';
import type { EpisodeAftercareWorkflow } from './episode-aftercare.ts';
import { AFTERCARE_WORKFLOW, aftercareIdOf, prefixOf, taskQueue } from './names.ts';

/** Starts what cares for the episode when this run has closed. It outlives the run, and nobody waits for it. */
export async function startAftercare(episode_id: string): Promise<void> {
  const { workflowId: workflow_id, runId: run_id, taskQueue: own } = workflowInfo();
  await startOn(taskQueue(prefixOf(own, 'episodes'), 'maintenance'), { episode_id, workflow_id, run_id });
}

/** Starts the same for the run of another workflow, on the own queue. */
export async function startAftercareOf(care: Aftercare): Promise<void> {
  await startOn(workflowInfo().taskQueue, care);
}

async function startOn(queue: string, care: Aftercare): Promise<void> {
  await startChild<typeof EpisodeAftercareWorkflow>(AFTERCARE_WORKFLOW, {
    workflowId: aftercareIdOf(care.episode_id, care.run_id),
    taskQueue: queue,
    args: [care],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    cancellationType: ChildWorkflowCancellationType.ABANDON,
    staticSummary: 'Closes the trace, keeps the history, audits coverage',
  });
}
