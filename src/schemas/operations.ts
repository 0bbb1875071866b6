import { z } from 'zod';
import { ApiKeyRole } from './api-key.ts';
import { Count, Timestamp, Uuid } from './primitives.ts';
import { RestoreDrill } from './restore-point.ts';
import { OutboxState, OutboxSubject } from './trace.ts';

/** An item of the outbox that Langfuse has not been seen to show. */
export const WaitingItem = z.object({
  span_id: z.string(),
  episode_id: Uuid,
  /** The step that it is of; null where it is of the episode. */
  seq: Count.nullable(),
  subject: OutboxSubject,
  state: OutboxState,
  attempts: Count,
  created_at: Timestamp,
  next_attempt_at: Timestamp.nullable(),
  error: z.string().nullable(),
});
export type WaitingItem = z.infer<typeof WaitingItem>;

/** A key by its name; what it is is stored nowhere. */
const ApiKeyShown = z.object({
  id: Uuid,
  name: z.string(),
  role: ApiKeyRole,
  created_at: Timestamp,
  revoked_at: Timestamp.nullable(),
});

/** A worker, and how many of the newest steps it tried with which build of our code. */
const WorkerSeen = z.object({ worker: z.string(), build: z.string(), attempts: Count, last_at: Timestamp });

/** What keeps a deployment going, where no other route says it. */
export const Operations = z.object({
  outbox: z.object({
    pending: Count,
    sending: Count,
    accepted: Count,
    confirmed: Count,
    parked: Count,
    oldest_unconfirmed_at: Timestamp.nullable(),
    /** Those that wait longest, of all that are not confirmed. */
    waiting: z.array(WaitingItem),
  }),
  drills: z.array(RestoreDrill),
  workers: z.array(WorkerSeen),
  keys: z.array(ApiKeyShown),
});
export type Operations = z.infer<typeof Operations>;
