// The registration file of the workflow bundle: every export is a workflow type.
export { AmendEpisodeWorkflow } from './amend.ts';
export { EpisodeWorkflow } from './episode.ts';
export { EpisodeRetentionWorkflow } from './episode-retention.ts';
export { RecoveryWatchWorkflow } from './recovery-watch.ts';
export { ReplayWorkflow } from './replay.ts';
export { ReproduceWorkflow } from './reproduce.ts';
export { RestoreDrillWorkflow } from './restore-drill.ts';
export { RestorePointWorkflow } from './restore-point.ts';
export { CoverageAuditWorkflow, CoverageSweepWorkflow, EpisodeAftercareWorkflow } from './episode-aftercare.ts';
export { RetentionWorkflow } from './retention.ts';
export { SweepWorkflow } from './sweep.ts';
export { TraceDeliveryWorkflow } from './trace-delivery.ts';
