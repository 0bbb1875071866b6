import fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterLook, afterSend, DELIVERY_TIMINGS as TIMINGS } from '../../../src/tracing/delivery-state.ts';
import { outcomeOfError, outcomeOfStatus, refusalMs } from '../../../src/tracing/langfuse-http.ts';

const at = { now_ms: 1_000_000, timings: TIMINGS };
const sent = (kind: 'accepted' | 'not_sent' | 'unwelcome' | 'unwell' | 'refused' | 'ambiguous', attempts = 1) =>
  afterSend({ kind, error: 'why', because: 'keys' }, { ...at, attempts });

test('what surely was not taken is pending again; what is in doubt stays in doubt until it is read back', () => {
  expect(sent('unwell')).toMatchObject({ state: 'pending', next_attempt_ms: 1_000_000 + TIMINGS.backoff_ms });
  expect(sent('accepted')).toMatchObject({ state: 'accepted' });
  expect(sent('not_sent')).toMatchObject({ state: 'pending', error: 'why' });
  expect(sent('unwelcome')).toMatchObject({
    state: 'pending',
    next_attempt_ms: 1_000_000 + TIMINGS.unwelcome_pause_ms,
  });
  expect(sent('refused')).toMatchObject({ state: 'parked', next_attempt_ms: null });
  expect(sent('ambiguous')).toMatchObject({ state: 'sending', next_attempt_ms: 1_000_000 + TIMINGS.look_ms });
});

test('the server’s Retry-After is kept to', () => {
  const retry_after_ms = refusalMs(new Headers({ 'retry-after': '7' }), 0);
  const outcome = outcomeOfStatus(429, '', { retry_after_ms, per_minute: null });
  expect(afterSend(outcome, { ...at, attempts: 1 })).toMatchObject({ state: 'pending', next_attempt_ms: 1_007_000 });
});

test('waits double and never exceed their maximum', () => {
  const waits = [1, 2, 3, 4, 5, 6, 60].map((attempts) => (sent('not_sent', attempts).next_attempt_ms ?? 0) - at.now_ms);
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

const item = { state: 'sending' as 'sending' | 'accepted', unseen_since_ms: 5, sent_ms: 0, merged: false };

test('what was seen is confirmed, from every state', () => {
  for (const state of ['sending', 'accepted'] as const)
    expect(afterLook('seen', { ...item, state }, at)).toEqual({
      state: 'confirmed',
      next_attempt_ms: null,
      unseen_since_ms: null,
      error: null,
    });
});

test('nothing is sent again before it was absent, while the server answered, for as long as patience lasts', () => {
  const state = fc.constantFrom('sending' as const, 'accepted' as const);
  const steps = fc.array(
    fc.record({ look: fc.constantFrom('absent' as const, 'no_answer' as const), ms: fc.nat(600_000) }),
  );
  const progress = { shown_ms: TIMINGS.overtaken_ms, sent_ms: TIMINGS.overtaken_ms, probing: false };
  fc.assert(
    fc.property(state, steps, (start, looks) => {
      let now_ms = 0;
      let answering_ms: number | null = null;
      let unseen_since_ms: number | null = null;
      for (const { look, ms } of looks) {
        now_ms += ms;
        answering_ms = look === 'absent' ? (answering_ms ?? now_ms) : null;
        const sent_item = { ...item, state: start, unseen_since_ms };
        const next = afterLook(look, sent_item, { now_ms, timings: TIMINGS, progress });
        ({ unseen_since_ms } = next);
        const absent_ms = answering_ms === null ? 0 : now_ms - answering_ms;
        expect(next.state).toBe(absent_ms >= TIMINGS.unseen_ms ? 'pending' : start);
        if (next.state === 'pending') return;
        expect(next.next_attempt_ms).toBeGreaterThan(now_ms);
      }
    }),
  );
});

test('a server that lags is waited for, however long: it must show what was sent well after an item', () => {
  const day_ms = 86_400_000;
  const after = (progress: { shown_ms: number; sent_ms: number; probing: boolean }, merged = false) =>
    afterLook('absent', { ...item, merged }, { now_ms: day_ms, timings: TIMINGS, progress }).state;
  const { overtaken_ms } = TIMINGS;
  // Later ones were sent and none of them is shown; or those that are shown were sent about when it was.
  expect(after({ shown_ms: 0, sent_ms: day_ms, probing: false })).toBe('sending');
  expect(after({ shown_ms: overtaken_ms - 1, sent_ms: day_ms, probing: false })).toBe('sending');
  expect(after({ shown_ms: overtaken_ms, sent_ms: day_ms, probing: false })).toBe('pending');
  // Nothing was sent well after it: one item is sent again to find out, and the others wait for it.
  expect(after({ shown_ms: 0, sent_ms: 0, probing: false })).toBe('pending');
  expect(after({ shown_ms: overtaken_ms - 1, sent_ms: overtaken_ms - 1, probing: false })).toBe('pending');
  expect(after({ shown_ms: 0, sent_ms: 0, probing: true })).toBe('sending');
  // What the server merges does no harm.
  expect(after({ shown_ms: 0, sent_ms: day_ms, probing: true }, true)).toBe('pending');
});

test('every status of an answer has one meaning', () => {
  const kindOf = (status: number) => outcomeOfStatus(status, '').kind;
  expect([200, 207].map(kindOf)).toEqual(['accepted', 'accepted']);
  expect([400, 413, 422].map(kindOf)).toEqual(['refused', 'refused', 'refused']);
  expect([301, 401, 403, 404].map(kindOf)).toEqual(['unwelcome', 'unwelcome', 'unwelcome', 'unwelcome']);
  // Who says that it failed has not taken it; a gateway that ran out of time does not know.
  expect([500, 502, 503, 507].map(kindOf)).toEqual(['unwell', 'unwell', 'unwell', 'unwell']);
  expect([408, 504].map(kindOf)).toEqual(['ambiguous', 'ambiguous']);
});

test('an error says that nothing left only when no connection was made to any address', () => {
  const failed = (...codes: string[]) =>
    new TypeError('fetch failed', {
      cause: new AggregateError(codes.map((code) => Object.assign(new Error(), { code }))),
    });
  expect(outcomeOfError(failed('ECONNREFUSED', 'ECONNREFUSED')).kind).toBe('not_sent');
  expect(outcomeOfError(failed('ECONNREFUSED', 'ETIMEDOUT')).kind).toBe('ambiguous');
  expect(outcomeOfError(new DOMException('late', 'TimeoutError')).kind).toBe('ambiguous');
});
