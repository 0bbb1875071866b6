import { Context } from '@temporalio/activity';
import type { Pool } from 'pg';
import { countOutbox, findNextDue } from '../../db/read/trace-outbox.ts';
import { takeSenderLock } from '../../db/sender-lock.ts';
import type { SenderLock } from '../../db/sender-lock.ts';
import type { OutboxCounts } from '../../schemas/trace.ts';
import { createDelivery, isBusy } from './delivery-cycle.ts';
import type { CycleReport } from './delivery-cycle.ts';
import type { DeliveryDeps } from './delivery-send.ts';
import { asActivityFailure } from '../failure.ts';

/** How often delivery says that it is alive. */
const HEARTBEAT_MS = 2_000;
/** The outbox is looked at this often even when nobody wakes us. */
const IDLE_MS_MAX = 5_000;
const IDLE_MS_MIN = 250;
/** Between cycles that had something to do: items that end together leave together. */
const BUSY_MS = 50;

export type TraceDeliveryDeps = Omit<DeliveryDeps, 'langfuse'> & {
  pool: Pool;
  /** null where no Langfuse is configured: then delivery only says how much waits. */
  langfuse: DeliveryDeps['langfuse'] | null;
  /** Fires when the worker is told to stop: its turn ends at once, so that another worker goes on. */
  stopping: AbortSignal;
};

/** What people see of delivery in Temporal: its heartbeats' details, and each turn's result. */
export type DeliveryTurn = OutboxCounts & { sent: number; away: string | null };

/** The one activity that brings the outbox to Langfuse. */
export function createTraceDeliveryActivities(deps: TraceDeliveryDeps) {
  return {
    /** Delivers for `turn_ms`, then reports; the workflow calls it again. Ends early when its worker stops. */
    async deliverTraces({ turn_ms }: { turn_ms: number }): Promise<DeliveryTurn> {
      const { cancellationSignal: stopped, info } = Context.current();
      const details = { sent: 0, away: null as string | null };
      const beat = setInterval(() => Context.current().heartbeat(details), HEARTBEAT_MS);
      const signal = AbortSignal.any([stopped, deps.stopping, AbortSignal.timeout(turn_ms)]);
      try {
        await deliverUntil(signal, deps, (report) => {
          details.sent += report.sent;
          details.away = report.away;
        });
        stopped.throwIfAborted();
        return { ...(await countOutbox(deps.db)), ...details };
      } catch (error) {
        throw asActivityFailure(error, info.attempt);
      } finally {
        clearInterval(beat);
      }
    },
  };
}

/** Every activity of delivery. */
export type TraceDeliveryActivities = ReturnType<typeof createTraceDeliveryActivities>;

/** Delivers until the signal: as soon as something is put into the outbox, and when something is due. One sender at a time. */
export async function deliverUntil(
  signal: AbortSignal,
  { pool, langfuse, ...deps }: Omit<TraceDeliveryDeps, 'stopping'>,
  report: (cycle: CycleReport) => void = () => {},
): Promise<void> {
  if (!langfuse) {
    report({ sent: 0, confirmed: 0, away: 'no Langfuse is configured: spans wait in the outbox' });
    await wait(signal, Number.MAX_SAFE_INTEGER);
    return;
  }
  await using sender = await takeSenderLock(pool, signal);
  if (!sender) return;
  const delivery = createDelivery({ ...deps, langfuse });
  while (!signal.aborted) {
    const cycle = await delivery.cycle(signal);
    report(cycle);
    sender.check();
    if (cycle.away !== null) await wait(signal, deps.timings.away_ms);
    else if (isBusy(cycle)) continue;
    else if (cycle.sent + cycle.confirmed > 0) await wait(signal, BUSY_MS);
    else await wait(signal, await pauseUntilDue(deps), sender);
  }
}

async function pauseUntilDue({ db, now }: Pick<DeliveryDeps, 'db' | 'now'>): Promise<number> {
  const due = await findNextDue(db);
  const pause = due === null ? IDLE_MS_MAX : Date.parse(due) - now().getTime();
  return Math.min(Math.max(pause, IDLE_MS_MIN), IDLE_MS_MAX);
}

/** Resolves after `ms` milliseconds, when the outbox of the sender has grown, or at the signal. */
function wait(signal: AbortSignal, ms: number, sender?: Pick<SenderLock, 'onWake'>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      sender?.onWake(undefined);
      signal.removeEventListener('abort', done);
      resolve();
    };
    // Node's timers hold 31 bits.
    const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1));
    signal.addEventListener('abort', done);
    sender?.onWake(done);
    if (signal.aborted) done();
  });
}
