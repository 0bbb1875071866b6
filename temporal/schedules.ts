import { ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Client, ScheduleOptions } from '@temporalio/client';
import {
  COVERAGE_SWEEP_ID,
  COVERAGE_SWEEP_WORKFLOW,
  EPISODE_RETENTION_ID,
  EPISODE_RETENTION_WORKFLOW,
  RECOVERY_WATCH_ID,
  RECOVERY_WATCH_WORKFLOW,
  RESTORE_DRILL_ID,
  RESTORE_DRILL_WORKFLOW,
  RESTORE_POINT_ID,
  RESTORE_POINT_WORKFLOW,
  RETENTION_ID,
  RETENTION_WORKFLOW,
  SWEEP_ID,
  SWEEP_WORKFLOW,
  taskQueue,
} from '../src/workflows/names.ts';

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
    {
      scheduleId: `${prefix}${COVERAGE_SWEEP_ID}`,
      spec: { calendars: [{ hour: 3, minute: 40 }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' },
      state: { note: 'Audits the coverage of episodes again that was not complete' },
      action: {
        type: 'startWorkflow',
        workflowType: COVERAGE_SWEEP_WORKFLOW,
        workflowId: `${prefix}${COVERAGE_SWEEP_ID}`,
        taskQueue: taskQueue(prefix, 'maintenance'),
        args: [],
      },
    },
    ...recoverySchedules(prefix),
  ];
}

/** A night that was missed, since the machine slept, is made up for within this time. */
const NIGHT_CATCHUP_WINDOW = '12 hours';
/** Deployments that share servers do not all begin at once. */
const NIGHT_JITTER = '10 minutes';

/** The nights of recovery, in UTC: the point, then the drill on it, then what may go since a newer one is verified. */
function recoverySchedules(prefix: string): ScheduleOptions[] {
  const nightly = (id: string, workflowType: string, at: { time: { hour: number; minute: number }; note: string }) => ({
    scheduleId: `${prefix}${id}`,
    spec: { calendars: [at.time], jitter: NIGHT_JITTER },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: NIGHT_CATCHUP_WINDOW },
    state: { note: at.note },
    action: {
      type: 'startWorkflow' as const,
      workflowType,
      workflowId: `${prefix}${id}`,
      taskQueue: taskQueue(prefix, 'maintenance'),
      args: [],
    },
  });
  return [
    nightly(RESTORE_POINT_ID, RESTORE_POINT_WORKFLOW, {
      time: { hour: 1, minute: 15 },
      note: 'Makes a restore point: database, objects, proof',
    }),
    nightly(RESTORE_DRILL_ID, RESTORE_DRILL_WORKFLOW, {
      time: { hour: 2, minute: 15 },
      note: 'Restores the newest point into a scratch database and checks it',
    }),
    nightly(RETENTION_ID, RETENTION_WORKFLOW, {
      time: { hour: 4, minute: 15 },
      note: 'Keeps 7 daily, 4 weekly and 6 monthly restore points',
    }),
    nightly(EPISODE_RETENTION_ID, EPISODE_RETENTION_WORKFLOW, {
      time: { hour: 5, minute: 15 },
      note: 'Gives up episodes past their age, and files that nothing refers to',
    }),
    {
      ...nightly(RECOVERY_WATCH_ID, RECOVERY_WATCH_WORKFLOW, {
        time: { hour: 0, minute: 0 },
        note: 'Fails when restore points or drills are stale or failing',
      }),
      spec: { intervals: [{ every: '1 hour' }] },
    },
  ];
}

/** The ids of all schedules of a deployment. */
export const scheduleIds = (prefix: string): string[] => schedules(prefix).map(({ scheduleId }) => scheduleId);

/** What a schedule of this deployment is for; undefined where it has none of this id. */
export const noteOf = (prefix: string, id: string): string | undefined =>
  schedules(prefix).find(({ scheduleId }) => scheduleId === id)?.state?.note;

/** What a schedule says that waits since a restore. */
const HELD_NOTE = 'Paused since a restore: `observatory reconcile --resume-schedules` lets it run';

/**
 * Creates the schedules that are missing and brings the others to what the code says; one that somebody paused stays paused.
 * Held schedules wait, whether they were there or not, until this is called without `held`.
 */
export async function ensureSchedules(client: Client, prefix: string, { held }: { held: boolean }): Promise<void> {
  for (const schedule of schedules(prefix)) {
    const note = schedule.state?.note ?? '';
    const waiting = { paused: true, note: HELD_NOTE };
    try {
      await client.schedule.create({ ...schedule, state: { ...schedule.state, ...(held && waiting) } });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      await client.schedule.getHandle(schedule.scheduleId).update(({ state }) => {
        if (held && (!state.paused || state.note === HELD_NOTE))
          return { ...schedule, state: { ...state, ...waiting } };
        const paused = state.paused && state.note !== HELD_NOTE;
        return { ...schedule, state: { ...state, paused, note } };
      });
    }
  }
}
