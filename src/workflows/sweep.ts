import { patched, proxyActivities } from '@temporalio/workflow';
import type { SweepActivities } from '../activities/sweep.ts';
import { SWEEP } from './activity-options.ts';

const { startUnstartedEpisodes, sweepUnheardWords } = proxyActivities<SweepActivities>(SWEEP);

/**
 * Starts accepted episodes whose workflow never started: Temporal or the API was away when they came. Gives up words that nobody
 * will hear. Returns how many were started.
 */
export async function SweepWorkflow(): Promise<number> {
  const started = await startUnstartedEpisodes.executeWithOptions({ summary: 'start accepted episodes' }, []);
  if (patched('unheard-words'))
    await sweepUnheardWords.executeWithOptions({ summary: 'give up words that nobody heard' }, []);
  return started;
}
