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
export const TRACE_DELIVERY_WORKFLOW = 'TraceDeliveryWorkflow';
export const AFTERCARE_WORKFLOW = 'EpisodeAftercareWorkflow';
export const COVERAGE_SWEEP_WORKFLOW = 'CoverageSweepWorkflow';
export const COVERAGE_AUDIT_WORKFLOW = 'CoverageAuditWorkflow';
export const REPLAY_WORKFLOW = 'ReplayWorkflow';
export const RESTORE_POINT_WORKFLOW = 'RestorePointWorkflow';
export const RESTORE_DRILL_WORKFLOW = 'RestoreDrillWorkflow';
export const RETENTION_WORKFLOW = 'RetentionWorkflow';
export const REPRODUCE_WORKFLOW = 'ReproduceWorkflow';
export const EPISODE_RETENTION_WORKFLOW = 'EpisodeRetentionWorkflow';
export const AMEND_WORKFLOW = 'AmendEpisodeWorkflow';
export const RECOVERY_WATCH_WORKFLOW = 'RecoveryWatchWorkflow';

/** The key of the step that records a person's message. */
export const messageStepKey = (id: string): string => `message:${id}`;

/** The workflows and schedules of recovery. */
export const RESTORE_POINT_ID = 'restore-point';
export const RESTORE_DRILL_ID = 'restore-drill';
export const RETENTION_ID = 'restore-point-retention';
export const RECOVERY_WATCH_ID = 'recovery-watch';

/** The workflow and schedule that give up old episodes, and the workflow that deletes one that somebody asked to delete. */
export const EPISODE_RETENTION_ID = 'episode-retention';
export const deletionIdOf = (episodeId: string): string => `delete-${episodeId}`;

/** The workflow that brings a record to what Temporal says; one at a time for what was seen of a run. */
export const amendIdOf = (episodeId: string, runId: string | null): string =>
  `amend-${episodeId}-${runId ?? 'missing'}`;

/** The workflow that brings the outbox to Langfuse, for ever. */
export const TRACE_DELIVERY_ID = 'trace-delivery';

/** The workflow that cares for an episode after this run of it, the last of its chain, has closed. */
export const aftercareIdOf = (episodeId: string, runId: string): string => `aftercare-${episodeId}-${runId}`;

/** The workflow that audits an episode because somebody asked for it. */
export const coverageAuditIdOf = (episodeId: string, repair: boolean): string =>
  `${repair ? 'repair' : 'audit'}-coverage-${episodeId}`;
/** The workflow that replays an episode's runs; one at a time. */
export const replayIdOf = (episodeId: string): string => `replay-${episodeId}`;

/** The workflow and schedule that audit again what was not complete. */
export const COVERAGE_SWEEP_ID = 'sweep-coverage';

/** The workflow and schedule that start accepted episodes which nothing started. */
export const SWEEP_ID = 'sweep-unstarted-episodes';
