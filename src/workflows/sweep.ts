import { proxyActivities } from '@temporalio/workflow';
import type { SweepActivities } from '../activities/sweep.ts';
import { SWEEP } from './activity-options.ts';

const { startUnstartedEpisodes } = proxyActivities<SweepActivities>(SWEEP);

/** Starts accepted episodes whose workflow never started: Temporal or the API was away when they came. Returns how many. */
export async function SweepWorkflow(): Promise<number> {
  return startUnstartedEpisodes.executeWithOptions({ summary: 'start accepted episodes' }, []);
}
