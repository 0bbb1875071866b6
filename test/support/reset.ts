import { randomUUID } from 'node:crypto';
import type { Episode } from '../../src/schemas/episode.ts';
import type { Deployment } from './deployment.ts';

/**
 * Resets the episode's newest run to one of its completed workflow tasks, as `temporal workflow reset` does: to the one that
 * `choose` picks by index, knowing how many there are. A run that has completed none is left as it is.
 */
export async function resetWorkflow(
  { workflows: { client } }: Deployment,
  { workflow_id }: Episode,
  choose: (tasks: number) => number,
): Promise<void> {
  const { runId } = await client.workflow.getHandle(workflow_id).describe();
  const { events } = await client.workflow.getHandle(workflow_id, runId).fetchHistory();
  const tasks = (events ?? []).filter(({ workflowTaskCompletedEventAttributes: task }) => task);
  const task = tasks[choose(tasks.length)];
  if (!task?.eventId) return;
  await client.workflowService.resetWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId: workflow_id, runId },
    reason: 'a test',
    workflowTaskFinishEventId: task.eventId,
    requestId: randomUUID(),
  });
}
