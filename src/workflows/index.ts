// The registration file of the workflow bundle: every export is a workflow type.
export { EpisodeWorkflow } from './episode.ts';
export { SweepWorkflow } from './sweep.ts';
