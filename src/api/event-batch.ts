import { z } from 'zod';
import { AppError } from '../errors.ts';
import { OWN_PRODUCER } from '../schemas/events/envelope.ts';
import { toNewEvent } from '../schemas/events/record.ts';
import type { NewEvent } from '../schemas/events/record.ts';
import { findEventSchema, versionsOf } from '../schemas/events/registry.ts';
import type { ObservabilityEvent } from '../schemas/events/registry.ts';
import type { MemberError } from '../schemas/problem.ts';
import { memberErrors } from './invalid-request.ts';
import { sourceTextsOf } from './json-text.ts';
import type { SourceText } from './json-text.ts';
import { RefusedRequest } from './problem.ts';

/** Events of one request: what a worker gathers in a second or two. */
export const EVENTS_PER_BATCH_MAX = 100;

/** An event of a batch that matches its schema, or what is wrong with it. `event_id` is null where it gives none. */
export type BatchItem = { event_id: string | null } & (
  | { event: NewEvent; keep: Uint8Array | null }
  | { errors: MemberError[] }
);

const Batch = z.strictObject({ events: z.array(z.unknown()).min(1).max(EVENTS_PER_BATCH_MAX) });
const Head = z.looseObject({ event_id: z.string(), type: z.unknown(), v: z.unknown() }).partial();

/**
 * The events of a request's body, each held against the schema of its own type and version. Throws RefusedRequest or
 * `invalid_argument` only for what is no batch at all: an event that is wrong is wrong alone.
 */
export function readEventBatch(bytes: Uint8Array, episodeId: string): BatchItem[] {
  let text: string;
  let body: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    body = JSON.parse(text);
  } catch {
    // The parser's own message quotes the body.
    throw new AppError('invalid_argument', 'The body is not JSON in UTF-8.');
  }
  const sources = sourceTextsOf(text, 'events');
  const batch = Batch.safeParse(body);
  if (!batch.success)
    throw new RefusedRequest(
      'invalid_argument',
      'The body is no batch of events.',
      memberErrors('body', batch.error.issues),
    );
  return batch.data.events.map((sent, index) => judge(sent, sources[index] as SourceText, { index, episodeId }));
}

function judge(sent: unknown, source: SourceText, at: { index: number; episodeId: string }): BatchItem {
  const head = Head.safeParse(sent).data ?? {};
  const event_id = head.event_id ?? null;
  const refuse = (errors: MemberError[]): BatchItem => ({ event_id: event_id?.toWellFormed() ?? null, errors });
  const wrong = (member: string, code: string, message: string) =>
    refuse([{ in: 'body', pointer: `/events/${at.index}${member}`, code, message }]);

  const schema = findEventSchema(head.type, head.v);
  if (!schema) {
    const versions = versionsOf(head.type);
    if (versions.length > 0) return wrong('/v', 'unknown_version', `there is ${versions.join(', ')}`);
    const isObject = typeof sent === 'object' && sent !== null && !Array.isArray(sent);
    if (!isObject) return wrong('', 'invalid_type', 'must be an object');
    return wrong('/type', 'unknown_type', 'is no type of event: GET /v1/schemas/events lists them');
  }
  const parsed = schema.safeParse(sent);
  if (!parsed.success) return refuse(memberErrors('body', parsed.error.issues, { at: ['events', at.index] }));
  // What was sent, not what was parsed: zod drops a member named __proto__.
  const event = sent as ObservabilityEvent;
  const hidden = hiddenAttribute(event);
  if (hidden !== undefined && typeof hidden === 'object' && hidden !== null)
    return wrong('/attributes/__proto__', 'invalid_type', 'must be a scalar');
  if (event.episode_id.toLowerCase() !== at.episodeId.toLowerCase())
    return wrong('/episode_id', OTHER_EPISODE, 'is not the episode that the address names');
  if (event.producer.name.toLowerCase() === OWN_PRODUCER)
    return wrong('/producer/name', 'reserved', 'is what the episode’s own workers report under');
  return { event_id, ...toNewEvent(event, source) };
}

/** The code of what is wrong with the place of an event that matches its schema. */
export const OTHER_EPISODE = 'other_episode';

/** The value under `__proto__` in an event's attributes, which zod does not look at. */
function hiddenAttribute({ attributes }: ObservabilityEvent): unknown {
  return attributes && Object.hasOwn(attributes, '__proto__')
    ? Object.getOwnPropertyDescriptor(attributes, '__proto__')?.value
    : undefined;
}
