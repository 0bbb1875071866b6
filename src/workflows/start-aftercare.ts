import { ChildWorkflowCancellationType, ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import type { EpisodeAftercareWorkflow } from './episode-aftercare.ts';
import { AFTERCARE_WORKFLOW, aftercareIdOf, prefixOf, taskQueue } from './names.ts';

/** Starts what cares for the episode when this run has closed. It outlives the run, and nobody waits for it. */
export async function startAftercare(episode_id: string): Promise<void> {
  const { workflowId: workflow_id, runId: run_id, taskQueue: own } = workflowInfo();
  await startChild<typeof EpisodeAftercareWorkflow>(AFTERCARE_WORKFLOW, {
    workflowId: aftercareIdOf(episode_id, run_id),
    taskQueue: taskQueue(prefixOf(own, 'episodes'), 'maintenance'),
    args: [{ episode_id, workflow_id, run_id }],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    cancellationType: ChildWorkflowCancellationType.ABANDON,
    staticSummary: 'Closes the trace, keeps the history, audits coverage',
  });
}
