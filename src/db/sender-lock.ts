import { setTimeout as delay } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { AppError } from '../errors.ts';
import { OUTBOX_CHANNEL } from './write/spans.ts';

/** One sender at a time in a database: what two send at once would be doubled. An arbitrary number, ours alone. */
const SENDER_LOCK = 7_700_772;
/** Time between tries while another sender still holds the lock: it is dying, or its database connection is. */
const LOCK_WAIT_MS = 1_000;

/** The lock of the one sender of traces, on a connection of its own. */
export type SenderLock = AsyncDisposable & {
  /** Calls `wake` when the outbox grows, at once where it grew while nobody waited. */
  onWake: (wake: (() => void) | undefined) => void;
  /** Throws `unavailable` when the connection, and with it the lock, is lost. */
  check(): void;
};

/**
 * Waits for the lock; undefined when the signal came first. It ends with its connection, whatever happened to the process
 * that held it.
 */
export async function takeSenderLock(pool: Pool, signal: AbortSignal): Promise<SenderLock | undefined> {
  const client: PoolClient = await pool.connect();
  let broken: Error | undefined;
  let wake: (() => void) | undefined;
  let missed = false;
  const onError = (error: Error) => {
    broken = error;
    wake?.();
  };
  const onNotification = () => {
    missed = wake === undefined;
    wake?.();
  };
  client.on('error', onError);
  client.on('notification', onNotification);
  const release = async () => {
    client.off('notification', onNotification);
    client.off('error', onError);
    // Ended, not returned: the lock and the subscription belong to the session.
    client.release(true);
  };
  try {
    await client.query(`listen ${OUTBOX_CHANNEL}`);
    for (;;) {
      const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [
        SENDER_LOCK,
      ]);
      if (rows[0]?.taken) break;
      await delay(LOCK_WAIT_MS, undefined, { signal }).catch(() => {}); // the signal is asked next
      if (!signal.aborted) continue;
      await release();
      return undefined;
    }
  } catch (error) {
    await release();
    throw error;
  }
  return {
    onWake(next) {
      wake = next;
      if (next && missed) queueMicrotask(next);
      missed = false;
    },
    check() {
      if (broken) throw new AppError('unavailable', 'lost the sender’s connection', { cause: broken });
    },
    [Symbol.asyncDispose]: release,
  };
}
