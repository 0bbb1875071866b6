import { ScheduleNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { noteOf, scheduleIds } from '../../../temporal/schedules.ts';
import { AppError } from '../../errors.ts';
import type { ScheduleState, ScheduleSteering } from '../../schemas/catalogue.ts';

/** All schedules are listed within this time, or Temporal is said to be away. */
const LIST_TIMEOUT_MS = 3_000;

/** Every schedule that this deployment should have, as Temporal has it. Throws `unavailable` when Temporal is away. */
export async function listSchedules(client: Client, prefix: string): Promise<ScheduleState[]> {
  const asked = () => Promise.all(scheduleIds(prefix).map((id) => describe(client, id)));
  return client.withDeadline(Date.now() + LIST_TIMEOUT_MS, asked).catch((error: unknown) => {
    throw new AppError('unavailable', 'Temporal does not answer', { cause: error });
  });
}

/** Lets one of this deployment's schedules wait, run by itself again, or run now. Throws not_found, `unavailable` without Temporal. */
export async function steerSchedule(
  client: Client,
  { prefix, id }: { prefix: string; id: string },
  { what, author }: ScheduleSteering,
): Promise<ScheduleState> {
  const note = noteOf(prefix, id);
  if (note === undefined)
    throw new AppError('not_found', `no schedule ${id}: there is ${scheduleIds(prefix).join(', ')}`);
  const steer = async () => {
    const handle = client.schedule.getHandle(id);
    if (what === 'pause') await handle.pause(`Paused by ${author}: ${note}`);
    if (what === 'resume') await handle.unpause(note);
    // One run at a time, as the schedule itself does it.
    if (what === 'run') await handle.trigger();
    return describe(client, id);
  };
  return client.withDeadline(Date.now() + LIST_TIMEOUT_MS, steer).catch((error: unknown) => {
    if (error instanceof ScheduleNotFoundError)
      throw new AppError('not_found', `Temporal has no schedule ${id}: \`observatory set-up\` makes it.`, {
        cause: error,
      });
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
