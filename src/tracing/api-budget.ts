/**
 * How often a Langfuse server is asked by its general API (reads, and scores one by one), shared by everybody who asks it:
 * delivery, audits, repairs. A server without limits costs no waiting; one that has said so once is asked evenly from then on.
 */
export type ApiBudget = {
  /** Takes one request, which may leave after `wait_ms`; where that would be longer than `wait_ms_max`, takes none. */
  take: (wait_ms_max: number) => Promise<{ taken: boolean; wait_ms: number }>;
  /** Notes that the server asks to wait, and how many requests it allows in a minute, where it says so. */
  learn: (said: { retry_after_ms: number; per_minute: number | null }) => Promise<void>;
  /** Whether the server is known to allow few requests. */
  isLimited: () => Promise<boolean>;
};

/** Of what a server allows, others who share its limit (it counts for an organization) get the rest. */
const SHARE = 0.8;

/** Our share of the requests that a server allows in a minute. */
export const ownShareOf = (per_minute: number): number => Math.max(1, Math.floor(per_minute * SHARE));

/** For who asks a few times and ends: it only remembers what it learns. */
export const NO_BUDGET: ApiBudget = {
  take: async () => ({ taken: true, wait_ms: 0 }),
  learn: async () => {},
  isLimited: async () => false,
};
