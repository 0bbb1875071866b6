import type { Client } from '@temporalio/client';
import { QUEUES, taskQueue } from '../../workflows/names.ts';
import type { QueueName } from '../../workflows/names.ts';

/** `TaskQueueType` of Temporal's API. */
const TYPES = { workflow: 1, activity: 2 } as const;
export type TaskType = keyof typeof TYPES;
/** What each queue's workers poll for. */
const SERVED: Record<QueueName, TaskType[]> = {
  episodes: ['workflow', 'activity'],
  simulation: ['activity'],
  maintenance: ['workflow', 'activity'],
};
/** A worker asks anew after a minute at the latest; the server remembers one that is gone for five. */
const POLLER_AGE_MS_MAX = 90_000;
/** A queue in which the oldest task waits longer than this grows faster than it is worked off. */
const BACKLOG_S_MAX = 300;

/** Who takes tasks of one kind from a queue, how many wait, and for how long the oldest has. */
export type QueueState = {
  queue: string;
  type: TaskType;
  workers: string[];
  waiting: number;
  oldest_s: number;
};

/** Every queue of a deployment as Temporal has it. */
export async function readQueues(client: Client, prefix: string): Promise<QueueState[]> {
  const asked = QUEUES.flatMap((queue) => SERVED[queue].map((type) => ({ queue: taskQueue(prefix, queue), type })));
  return Promise.all(asked.map((one) => readQueue(client, one)));
}

async function readQueue(client: Client, { queue, type }: { queue: string; type: TaskType }): Promise<QueueState> {
  const since = Date.now() - POLLER_AGE_MS_MAX;
  const { pollers, stats } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: queue },
    taskQueueType: TYPES[type],
    reportStats: true,
  });
  const present = (pollers ?? []).filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > since);
  return {
    queue,
    type,
    workers: [...new Set(present.map(({ identity }) => identity ?? ''))],
    waiting: Number(stats?.approximateBacklogCount ?? 0),
    oldest_s: Number(stats?.approximateBacklogAge?.seconds ?? 0),
  };
}

/** Why tasks of this kind are not taken as they come; undefined where they are. */
export function whyUnserved({ type, workers, waiting, oldest_s }: QueueState): string | undefined {
  if (workers.length === 0) return `nobody polls it for ${type} tasks, of which ${waiting} wait`;
  if (oldest_s <= BACKLOG_S_MAX) return undefined;
  return `${waiting} ${type} tasks wait, the oldest for ${oldest_s} s: ${workers.length} workers do not keep up`;
}
