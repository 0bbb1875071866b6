import { proxyActivities } from '@temporalio/workflow';
import type { ReplayActivities, ReplaySummary } from '../activities/replay.ts';
import { AFTERCARE } from './activity-options.ts';

const { replayEpisode } = proxyActivities<ReplayActivities>(AFTERCARE);

/** Holds this build's workflow code against the history of every run of an episode. The verdicts are on record. */
export async function ReplayWorkflow(episodeId: string): Promise<ReplaySummary> {
  return replayEpisode.executeWithOptions({ summary: 'replay' }, [episodeId]);
}
