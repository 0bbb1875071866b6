import type { Client } from '@temporalio/client';
import { AppError } from '../../errors.ts';
import { REPLAY_WORKFLOW, replayIdOf, taskQueue } from '../../workflows/names.ts';

/** Starts replaying an episode's runs on a worker, unless that is being done. Throws `unavailable` when Temporal is away. */
export async function startReplay(client: Client, prefix: string, episodeId: string): Promise<void> {
  await client.workflow
    .start(REPLAY_WORKFLOW, {
      workflowId: replayIdOf(episodeId),
      taskQueue: taskQueue(prefix, 'maintenance'),
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: 'Holds the workflow code against the history',
      args: [episodeId],
    })
    .catch((cause: unknown) => {
      throw new AppError('unavailable', 'Temporal does not answer', { cause });
    });
}
