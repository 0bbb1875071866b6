import { ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Client, ScheduleOptions } from '@temporalio/client';
import { SWEEP_ID, SWEEP_WORKFLOW, taskQueue } from '../src/workflows/names.ts';

/** A run that was due while nothing ran is made up for within this time; the server's default is a year. */
const CATCHUP_WINDOW = '10 minutes';

/** The schedules of this deployment, as code: what runs by itself, when, and why. Deployments that share a namespace differ by prefix. */
function schedules(prefix: string): ScheduleOptions[] {
  return [
    {
      scheduleId: `${prefix}${SWEEP_ID}`,
      spec: { intervals: [{ every: '1 minute' }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCHUP_WINDOW },
      state: { note: 'Starts accepted episodes whose workflow never started' },
      action: {
        type: 'startWorkflow',
        workflowType: SWEEP_WORKFLOW,
        workflowId: `${prefix}${SWEEP_ID}`,
        taskQueue: taskQueue(prefix, 'maintenance'),
        args: [],
      },
    },
  ];
}

/** Creates the schedules that are missing and brings the others to what the code says; one that is paused stays paused. */
export async function ensureSchedules(client: Client, prefix: string): Promise<void> {
  for (const schedule of schedules(prefix)) {
    try {
      await client.schedule.create(schedule);
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      await client.schedule.getHandle(schedule.scheduleId).update((current) => ({
        ...schedule,
        state: { ...current.state, ...(schedule.state?.note !== undefined && { note: schedule.state.note }) },
      }));
    }
  }
}
