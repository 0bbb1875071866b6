import type { OutboxState } from '../schemas/trace.ts';

/** How sending came out, as far as the sender knows. Each `error` is written for people. */
export type SendOutcome =
  /** The server took it; that it keeps it is not yet known. */
  | { kind: 'accepted' }
  /** It never left: nobody listened. */
  | { kind: 'not_sent'; error: string }
  /** The server asks to wait; `per_minute` is how many requests it says that it allows. */
  | { kind: 'later'; error: string; retry_after_ms: number; per_minute?: number | null }
  /** The server will take nothing of the kind from us: wrong keys, or it has no such address. */
  | { kind: 'unwelcome'; error: string; because: 'keys' | 'address' }
  /** The server refuses the content. */
  | { kind: 'refused'; error: string }
  /** The server says that it failed: it has not taken it, and may when it is well again. */
  | { kind: 'unwell'; error: string }
  /** It left, and nobody knows whether it arrived. */
  | { kind: 'ambiguous'; error: string };

/** Delivery's patience, all in milliseconds. */
export type DeliveryTimings = {
  /** A request that has not been answered by then is given up, and what it carried is in doubt. */
  request_ms: number;
  /** Items that could not leave are tried again after this, doubled each time up to the maximum. */
  backoff_ms: number;
  backoff_ms_max: number;
  /** What was sent is first looked for after this, then at intervals that grow with the wait up to the maximum. */
  look_ms: number;
  look_ms_max: number;
  /** An item that is not shown for this long, while the server answers, may be lost, whether or not its sender got an answer. */
  unseen_ms: number;
  /** Something was sent so much later and is shown: then the server does not lag, it has lost the item. */
  overtaken_ms: number;
  /** A server that is away is asked for so often. */
  away_ms: number;
  /** Nothing is sent for so long after the server would take nothing from us. */
  unwelcome_pause_ms: number;
};

/** A server that answers, only not this, is asked again after this many times the first wait. */
const LOOKS_AFTER_NO_ANSWER = 5;

/** What holds unless a test says otherwise. */
export const DELIVERY_TIMINGS: DeliveryTimings = {
  request_ms: 15_000,
  backoff_ms: 1_000,
  backoff_ms_max: 30_000,
  look_ms: 1_000,
  look_ms_max: 60_000,
  unseen_ms: 20 * 60_000,
  // A v4 server's queue tries a batch six times within 155 s (5 s, doubled each time); twice that is out of its order.
  overtaken_ms: 5 * 60_000,
  away_ms: 2_000,
  unwelcome_pause_ms: 60_000,
};

/** The next state of an item. Times are milliseconds since 1970; null is at once, or never again where the state is final. */
export type NextState = {
  state: OutboxState;
  next_attempt_ms: number | null;
  unseen_since_ms: number | null;
  error: string | null;
};

/** The state of an item that is `sending` after its sender got this answer. `attempts` counts the sends so far. */
export function afterSend(
  outcome: SendOutcome,
  { attempts, now_ms, timings }: { attempts: number; now_ms: number; timings: DeliveryTimings },
): NextState {
  const next = (state: OutboxState, wait_ms: number | null): NextState => ({
    state,
    next_attempt_ms: wait_ms === null ? null : now_ms + wait_ms,
    unseen_since_ms: null,
    error: 'error' in outcome ? outcome.error : null,
  });
  const backoff_ms = Math.min(timings.backoff_ms * 2 ** Math.min(attempts - 1, 20), timings.backoff_ms_max);
  if (outcome.kind === 'later') return next('pending', outcome.retry_after_ms);
  return {
    accepted: next('accepted', timings.look_ms),
    not_sent: next('pending', backoff_ms),
    unwell: next('pending', backoff_ms),
    unwelcome: next('pending', timings.unwelcome_pause_ms),
    refused: next('parked', null),
    ambiguous: next('sending', timings.look_ms),
  }[outcome.kind];
}

/** What a look at the server showed: the item, its absence, or nothing because the server did not answer. */
export type Look = 'seen' | 'absent' | 'no_answer';

/**
 * How far the server has come with spans: when the newest one was sent that it shows, and the newest of all, in
 * milliseconds since 1970. `probing`: one of them is about to be sent again.
 */
export type Progress = { shown_ms: number; sent_ms: number; probing: boolean };

/** An item that was sent. `merged`: the server makes one of what it gets twice, so that sending again is harmless. */
export type Sent = { state: 'sending' | 'accepted'; unseen_since_ms: number | null; sent_ms: number; merged: boolean };

/** Whether the item is unseen for so long that it matters how far the server has come. */
export const isOverdue = ({ unseen_since_ms }: Sent, { now_ms, timings }: At): boolean =>
  unseen_since_ms !== null && now_ms - unseen_since_ms >= timings.unseen_ms;

type At = { now_ms: number; timings: DeliveryTimings };

/**
 * The state of a sent item after a look. Whether its sender got an answer plays no part: what a server shows late it
 * shows late either way, and a row that is there twice stays until the server merges it, which it never promises, while one that comes late only
 * comes late. So
 * nothing that is not merged is sent again unless the server shows what was sent well after it; where nothing was, a
 * single item is sent again to find out.
 */
export function afterLook(
  look: Look,
  item: Sent,
  { now_ms, timings, progress }: At & { progress?: Progress },
): NextState {
  if (look === 'seen') return { state: 'confirmed', next_attempt_ms: null, unseen_since_ms: null, error: null };
  const { state, sent_ms, merged } = item;
  if (look === 'no_answer')
    return {
      state,
      next_attempt_ms: now_ms + LOOKS_AFTER_NO_ANSWER * timings.look_ms,
      unseen_since_ms: null,
      error: 'not read back yet',
    };
  const since = item.unseen_since_ms ?? now_ms;
  const waited = now_ms - since;
  const stay = (wait_ms: number, error: string | null): NextState => ({
    state,
    next_attempt_ms: now_ms + wait_ms,
    unseen_since_ms: since,
    error,
  });
  if (waited < timings.unseen_ms)
    return stay(Math.min(Math.max(waited, timings.look_ms), timings.look_ms_max, timings.unseen_ms - waited), null);
  const unseen = `${state === 'accepted' ? 'accepted' : 'sent'}, then unseen for ${Math.round(waited / 1000)} s`;
  const overtaken = progress !== undefined && progress.shown_ms >= sent_ms + timings.overtaken_ms;
  const last = progress !== undefined && progress.sent_ms < sent_ms + timings.overtaken_ms && !progress.probing;
  if (merged || overtaken || last)
    return { state: 'pending', next_attempt_ms: null, unseen_since_ms: null, error: `${unseen}: sent again` };
  return stay(timings.look_ms_max, `${unseen}: the server shows nothing yet that was sent later`);
}
