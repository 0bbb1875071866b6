import { ScheduleNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { scheduleIds } from '../../../temporal/schedules.ts';
import { AppError } from '../../errors.ts';
import type { ScheduleState } from '../../schemas/catalogue.ts';

/** All schedules are told within this time, or Temporal is said to be away. */
const LIST_TIMEOUT_MS = 3_000;

/** Every schedule that this deployment should have, as Temporal has it. Throws `unavailable` when Temporal is away. */
export async function listSchedules(client: Client, prefix: string): Promise<ScheduleState[]> {
  const asked = () => Promise.all(scheduleIds(prefix).map((id) => describe(client, id)));
  return client.withDeadline(Date.now() + LIST_TIMEOUT_MS, asked).catch((error: unknown) => {
    throw new AppError('unavailable', 'Temporal does not answer', { cause: error });
  });
}

async function describe(client: Client, id: string): Promise<ScheduleState> {
  try {
    const { state, info } = await client.schedule.getHandle(id).describe();
    return {
      id,
      present: true,
      paused: state.paused,
      note: state.note ?? '',
      next_at: info.nextActionTimes[0]?.toISOString() ?? null,
      last_at: info.recentActions.at(-1)?.takenAt.toISOString() ?? null,
    };
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    return { id, present: false, paused: false, note: '', next_at: null, last_at: null };
  }
}
