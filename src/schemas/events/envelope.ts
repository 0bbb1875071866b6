import { z } from 'zod';
import { boundedText, Uuid } from '../primitives.ts';
import { DateTime } from '../rfc3339.ts';
import { Amount, Name, named, Quantity } from './fields.ts';

const ATTRIBUTE_CHARS_MAX = 10_000;
const INTEGER_MAX = 2_147_483_647;

/** The name under which our own workers report: no program outside has it. */
export const OWN_PRODUCER = 'observatory-worker';

/** Who made an event: a program and its version. */
export const Producer = z.strictObject({ name: Name, version: Name });
export type Producer = z.infer<typeof Producer>;

/** What a producer wants to add to an event, beside what its type has: scalars by name. */
export const Attributes = named(z.union([boundedText(0, ATTRIBUTE_CHARS_MAX), Quantity, z.boolean(), z.null()]));
export type Attributes = z.infer<typeof Attributes>;

const envelope = {
  /** The producer's own, best a UUIDv7: sent again, it is the same event. */
  event_id: Uuid,
  occurred_at: DateTime,
  episode_id: Uuid,
  /** The step that it belongs to, by its permanent id, and which try of it. */
  step_id: Uuid.optional(),
  attempt: Amount.min(1).max(INTEGER_MAX).optional(),
  agent: Name.optional(),
  producer: Producer,
  attributes: Attributes.optional(),
};

/** One type of event in one version, as producers send it: nothing but what is listed is taken. */
export const event = <T extends string, V extends number, P extends z.ZodRawShape>(type: T, v: V, payload: P) =>
  z.strictObject({ type: z.literal(type), v: z.literal(v), ...envelope, payload: z.strictObject(payload) });
