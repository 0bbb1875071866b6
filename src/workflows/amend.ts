import { proxyActivities } from '@temporalio/workflow';
import type { AmendActivities } from '../activities/amend.ts';
import type { Amendment } from '../schemas/workflow-state.ts';
import { AFTERCARE } from './activity-options.ts';
import { startAftercareOf } from './start-aftercare.ts';

const { amendEpisode } = proxyActivities<AmendActivities>(AFTERCARE);

/** Brings the record of an episode to what Temporal says of its workflow, and starts the aftercare of an end. */
export async function AmendEpisodeWorkflow(amendment: Amendment): Promise<void> {
  const run_id = await amendEpisode.executeWithOptions({ summary: 'amend the record' }, [amendment]);
  if (run_id !== null) await startAftercareOf({ ...amendment, run_id });
}
