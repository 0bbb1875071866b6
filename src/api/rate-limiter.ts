/** Seconds of the rate that a caller may use up at once. */
const BURST_S = 10;
/** Callers that are kept in mind: keys are few. The oldest goes first. */
const CALLERS_MAX = 10_000;

/** Counts what callers ask. */
export type RateLimiter = {
  /** Takes one from the caller's allowance; else says in how many whole seconds there will be one. */
  take(caller: string): number;
};

/** Each caller's allowance refills by `per_s` a second (a token bucket), in this process alone. 0 is no limit. */
export function createRateLimiter(per_s: number, now: () => number = () => performance.now() / 1000): RateLimiter {
  if (per_s === 0) return { take: () => 0 };
  const burst = per_s * BURST_S;
  const allowances = new Map<string, { left: number; at: number }>();
  return {
    take(caller) {
      const at = now();
      const known = allowances.get(caller);
      const left = known ? Math.min(burst, known.left + (at - known.at) * per_s) : burst;
      const granted = left >= 1;
      allowances.set(caller, { left: granted ? left - 1 : left, at });
      const [first] = allowances.keys();
      if (allowances.size > CALLERS_MAX && first !== undefined) allowances.delete(first);
      return granted ? 0 : Math.ceil((1 - left) / per_s);
    },
  };
}
