import type { OutboxState } from '../schemas/trace.ts';

/** How sending came out, as far as the sender knows. Each `error` is written for people. */
export type SendOutcome =
  /** The server took it; that it keeps it is not yet known. */
  | { kind: 'accepted' }
  /** It never left: nobody listened. */
  | { kind: 'not_sent'; error: string }
  /** The server asks to wait. */
  | { kind: 'later'; error: string; retry_after_ms: number }
  /** The server will take nothing from us: wrong keys or a wrong address. */
  | { kind: 'unwelcome'; error: string }
  /** The server refuses the content. */
  | { kind: 'refused'; error: string }
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
  /** What was accepted and stays unseen for so long, while the server answers, was lost there: it is sent again. */
  accepted_unseen_ms: number;
  /** The same for what was in doubt. Far above a server's delay between taking and showing, or it would be doubled. */
  doubtful_unseen_ms: number;
  /** A server that is away is asked for so often. */
  away_ms: number;
  /** Nothing is sent for so long after the server would take nothing from us. */
  unwelcome_pause_ms: number;
};

/** A server that answers, only not this, is asked again after so many times the first wait. */
const LOOKS_AFTER_NO_ANSWER = 5;

/** What holds unless a test says otherwise. */
export const DELIVERY_TIMINGS: DeliveryTimings = {
  request_ms: 15_000,
  backoff_ms: 1_000,
  backoff_ms_max: 30_000,
  look_ms: 1_000,
  look_ms_max: 60_000,
  accepted_unseen_ms: 20 * 60_000,
  doubtful_unseen_ms: 60_000,
  away_ms: 2_000,
  unwelcome_pause_ms: 60_000,
};

/** Where an item stands next. Times are milliseconds since 1970; null is at once, or never again where the state is final. */
export type NextStand = {
  state: OutboxState;
  next_attempt_ms: number | null;
  unseen_since_ms: number | null;
  error: string | null;
};

/** Where an item that is `sending` stands after its sender heard this. `attempts` counts the sends so far. */
export function afterSend(
  outcome: SendOutcome,
  { attempts, now_ms, timings }: { attempts: number; now_ms: number; timings: DeliveryTimings },
): NextStand {
  const stand = (state: OutboxState, wait_ms: number | null): NextStand => ({
    state,
    next_attempt_ms: wait_ms === null ? null : now_ms + wait_ms,
    unseen_since_ms: null,
    error: 'error' in outcome ? outcome.error : null,
  });
  const backoff_ms = Math.min(timings.backoff_ms * 2 ** Math.min(attempts - 1, 20), timings.backoff_ms_max);
  if (outcome.kind === 'later') return stand('pending', outcome.retry_after_ms);
  return {
    accepted: stand('accepted', timings.look_ms),
    not_sent: stand('pending', backoff_ms),
    unwelcome: stand('pending', timings.unwelcome_pause_ms),
    refused: stand('parked', null),
    ambiguous: stand('sending', timings.look_ms),
  }[outcome.kind];
}

/** What a look at the server showed: the item, its absence, or nothing because the server did not answer. */
export type Look = 'seen' | 'absent' | 'no_answer';

/** Where a sent item stands after a look. Only what stays absent while the server answers is ever sent again. */
export function afterLook(
  look: Look,
  item: { state: 'sending' | 'accepted'; unseen_since_ms: number | null },
  { now_ms, timings }: { now_ms: number; timings: DeliveryTimings },
): NextStand {
  if (look === 'seen') return { state: 'confirmed', next_attempt_ms: null, unseen_since_ms: null, error: null };
  const { state } = item;
  if (look === 'no_answer')
    return {
      state,
      next_attempt_ms: now_ms + LOOKS_AFTER_NO_ANSWER * timings.look_ms,
      unseen_since_ms: null,
      error: 'not read back yet',
    };
  const since = item.unseen_since_ms ?? now_ms;
  const waited = now_ms - since;
  const patience = state === 'accepted' ? timings.accepted_unseen_ms : timings.doubtful_unseen_ms;
  if (waited >= patience) {
    const error = `${state === 'accepted' ? 'accepted' : 'sent'}, then unseen for ${Math.round(waited / 1000)} s: sent again`;
    return { state: 'pending', next_attempt_ms: null, unseen_since_ms: null, error };
  }
  const wait = Math.min(Math.max(waited, timings.look_ms), timings.look_ms_max, patience - waited);
  return { state, next_attempt_ms: now_ms + wait, unseen_since_ms: since, error: null };
}
