import { z } from 'zod';
import { Count, JsonObject, Sha256, storableJson, Timestamp, Uuid } from '../primitives.ts';
import type { Json } from '../primitives.ts';
import { utcOf } from '../rfc3339.ts';
import type { ObservabilityEvent } from './registry.ts';
import { sha256Of } from '../../identity.ts';

/**
 * An event as recorded. `sanitized` says that the row does not hold all of what was sent (U+0000 is U+2400 in it, half a
 * surrogate pair U+FFFD, a number the nearest double, a time its nearest one); `exact_sha256` is then the artifact of the
 * bytes as they came.
 */
export const EventRecord = z.object({
  stream_seq: Count,
  event_id: Uuid,
  type: z.string(),
  v: Count,
  occurred_at: Timestamp,
  received_at: Timestamp,
  episode_id: Uuid,
  step_id: Uuid.nullable(),
  attempt: Count.nullable(),
  agent: z.string().nullable(),
  producer: z.object({ name: z.string(), version: z.string() }),
  attributes: JsonObject,
  payload: JsonObject,
  sanitized: z.boolean(),
  exact_sha256: Sha256.nullable(),
});
export type EventRecord = z.infer<typeof EventRecord>;

/** An event that is to be recorded; `content_sha256` tells the same event from another under its id. */
export type NewEvent = Omit<EventRecord, 'stream_seq' | 'received_at' | 'sanitized' | 'exact_sha256'> & {
  content_sha256: string;
  exact: { sha256: string; size_bytes: number } | null;
};

/**
 * The event as it can be recorded, and the bytes to keep where that is not all of it: they must lie in the store, under
 * the hash that the event names, before it is appended. `source` is the event as it came, `exact` whether parsing it lost
 * nothing.
 */
export function toNewEvent(
  event: ObservabilityEvent,
  source: { text: string; exact: boolean },
): { event: NewEvent; keep: Uint8Array | null } {
  const { event_id, type, v, episode_id, step_id, attempt, agent, producer, attributes } = event;
  const payload = storableJson(event.payload) as JsonObject;
  const { utc, exact } = utcOf(event.occurred_at);
  const bytes = Buffer.from(source.text);
  const isWhole = source.exact && exact && JSON.stringify(payload) === JSON.stringify(event.payload);
  const content = source.exact ? canonicalJson(event) : source.text;
  return {
    event: {
      event_id: event_id.toLowerCase(),
      type,
      v,
      occurred_at: utc,
      episode_id: episode_id.toLowerCase(),
      step_id: step_id?.toLowerCase() ?? null,
      attempt: attempt ?? null,
      agent: agent ?? null,
      producer,
      attributes: attributes ?? {},
      payload,
      content_sha256: sha256Of(content),
      exact: isWhole ? null : { sha256: sha256Of(bytes), size_bytes: bytes.length },
    },
    keep: isWhole ? null : bytes,
  };
}

/** The value as JSON text that does not depend on the order of members. */
function canonicalJson(value: Json | ObservabilityEvent | undefined): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member as Json)}`).join()}}`;
}
