import type { Client } from '@temporalio/client';
import type { Episode } from '../../schemas/episode.ts';
import { AMEND_WORKFLOW, amendIdOf, taskQueue } from '../../workflows/names.ts';

/** Starts what brings an episode's record to what Temporal says of this run of its workflow; for one run once at a time. */
export async function startAmendment(
  client: Client,
  prefix: string,
  { id, workflow_id, run_id }: Pick<Episode, 'id' | 'workflow_id' | 'run_id'>,
): Promise<void> {
  await client.workflow.start(AMEND_WORKFLOW, {
    workflowId: `${prefix}${amendIdOf(id, run_id)}`,
    taskQueue: taskQueue(prefix, 'maintenance'),
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ episode_id: id, workflow_id, run_id }],
    staticSummary: 'Brings the record to what Temporal says of its workflow',
  });
}
