// Names that clients and workers share. They import nothing, so that every layer may know them.

/** What each task queue serves; a deployment may put a prefix before all of them. */
export const QUEUES = ['episodes', 'simulation', 'maintenance'] as const;
export type QueueName = (typeof QUEUES)[number];

/** The task queue's name under a deployment's prefix ('' for none). */
export const taskQueue = (prefix: string, queue: QueueName): string => `${prefix}${queue}`;

/** The queue's prefix, read back from the name of the queue that a workflow runs on. */
export const prefixOf = (taskQueueName: string, queue: QueueName): string => taskQueueName.slice(0, -queue.length);

/** Workflow types. */
export const EPISODE_WORKFLOW = 'EpisodeWorkflow';
export const SWEEP_WORKFLOW = 'SweepWorkflow';

/** The workflow and schedule that start accepted episodes which nothing started. */
export const SWEEP_ID = 'sweep-unstarted-episodes';
