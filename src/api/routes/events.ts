import { createRoute, z } from '@hono/zod-openapi';
import { insertEvents } from '../../db/append/events.ts';
import type { Appended } from '../../db/append/events.ts';
import { getEpisode } from '../../db/read/episodes.ts';
import { LINE_BEGINNING, readAlongLine } from '../../db/read/line.ts';
import { listEvents } from '../../db/read/events.ts';
import { eventComponents } from '../../schemas/events/json-schema.ts';
import { EventType, ObservabilityEvent } from '../../schemas/events/registry.ts';
import { DateTime, utcOf } from '../../schemas/rfc3339.ts';
import { logCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { EVENTS_PER_BATCH_MAX, OTHER_EPISODE, readEventBatch } from '../event-batch.ts';
import type { BatchItem } from '../event-batch.ts';
import { isJson, jsonBodyLimit } from '../json-body.ts';
import { toEvent } from '../links.ts';
import { JSON_WANTED, problemResponse } from '../problem.ts';
import { EventBatchAnswer, EventBatchProblem, EventResource, pageOf } from '../resources.ts';
import type { EventResult } from '../resources.ts';
import {
  createRoutes,
  EpisodePath,
  json,
  Limit,
  PAGE_LIMIT_DEFAULT,
  problems,
  security,
  Seq,
  toPage,
} from '../route-parts.ts';

const EventBatch = z.strictObject({ events: z.array(ObservabilityEvent).min(1).max(EVENTS_PER_BATCH_MAX) });

/**
 * The body as the document shows it. A reference, not a schema: the router holds no body against it, since one event that
 * is wrong must not have the others refused.
 */
const EventBatchReference = { $ref: '#/components/schemas/EventBatch' } as unknown as typeof EventBatch;

const postRoute = createRoute({
  method: 'post',
  path: '/v1/episodes/{id}/events',
  operationId: 'postEvents',
  summary: 'Report events, each by itself: sent again under the same event_id it is recorded once',
  description:
    'Events that match their schema are recorded, whatever becomes of the others; `items` says of each what became of it. The answer is 200 when all match their schema, and 422 when some do not.',
  tags: ['events'],
  security,
  middleware: [jsonBodyLimit],
  request: {
    params: EpisodePath,
    body: { required: true, content: { 'application/json': { schema: EventBatchReference } } },
  },
  responses: {
    200: json('What became of each event', EventBatchAnswer),
    ...problems(403, 404, 409, 413, 415),
    422: {
      description: 'Some events do not match their schema; the others are recorded',
      content: { 'application/problem+json': { schema: EventBatchProblem } },
    },
  },
});

const listRoute = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/events',
  operationId: 'listEvents',
  summary: 'List events in the order in which they were recorded',
  tags: ['events'],
  security,
  request: {
    params: EpisodePath,
    query: z.strictObject({
      type: EventType.optional(),
      seq: Seq.optional(),
      from: DateTime.optional(),
      to: DateTime.optional(),
      cursor: logCursor.schema.optional(),
      limit: Limit.optional(),
    }),
  },
  responses: { 200: json('A page of events', pageOf(EventResource)), ...problems(404) },
});

/** Events: reported by producers outside, and recorded of our own steps. */
export function createEventRoutes({ db, store }: Pick<ApiDeps, 'db' | 'store'>) {
  const routes = createRoutes();
  registerComponents(routes);
  return routes
    .openapi(postRoute, async (c) => {
      if (!isJson(c.req.header('content-type')))
        return problemResponse(c, 'unsupported_media_type', { detail: JSON_WANTED }) as never;
      const { id } = await getEpisode(db, c.req.valid('param').id);
      const batch = readEventBatch(new Uint8Array(await c.req.arrayBuffer()), id);
      const good = batch.filter((item) => 'event' in item);
      for (const { keep } of good) if (keep) await store.put(keep, { contentType: 'application/json' });
      const appended = await insertEvents(
        db,
        id,
        good.map(({ event }) => event),
      );
      const outcomes = new Map(good.map((item, index) => [item, appended[index]]));
      const items = batch.map((item, index) => resultOf(item, outcomes.get(item as (typeof good)[number]), index));
      if (items.every(({ status }) => status !== 422)) return c.json({ items }, 200);
      const wrong = items.filter(({ status }) => status === 422);
      const detail = `${wrong.length} of ${items.length} events do not match their schema.`;
      const errors = wrong.flatMap((item) => item.errors);
      return problemResponse(c, 'unprocessable', { detail, errors, more: { items } }) as never;
    })
    .openapi(listRoute, async (c) => {
      const { id } = await getEpisode(db, c.req.valid('param').id);
      const { cursor, limit = PAGE_LIMIT_DEFAULT, type, seq, from, to } = c.req.valid('query');
      const filter = {
        ...(type && { type }),
        ...(seq !== undefined && { seq }),
        ...(from && { from: utcOf(from).utc }),
        ...(to && { to: utcOf(to).utc }),
      };
      const after = cursor === undefined ? LINE_BEGINNING : logCursor.decode(cursor);
      const asked = { episode_id: id, after, limit: limit + 1 };
      const rows = await readAlongLine(db, asked, (part) => listEvents(db, { ...part, ...filter }));
      const { items, next_cursor } = toPage(rows, limit, logCursor.encode);
      return c.json({ items: items.map(({ parent: _, ...event }) => toEvent(event)), next_cursor }, 200);
    });
}

/** Puts each event's schema into the document under a name of its own, as it is published. */
function registerComponents(routes: ReturnType<typeof createRoutes>): void {
  const items = { $ref: '#/components/schemas/ObservabilityEvent' };
  const events = { type: 'array', items, minItems: 1, maxItems: EVENTS_PER_BATCH_MAX };
  const batch = { type: 'object', properties: { events }, required: ['events'], additionalProperties: false };
  for (const [name, schema] of Object.entries({ ...eventComponents(), EventBatch: batch }))
    routes.openAPIRegistry.registerComponent('schemas', name, schema as never);
}

/** The answer to one event; `outcome` is of those that match their schema. */
function resultOf(item: BatchItem, outcome: Appended | undefined, index: number): EventResult {
  const none = { event_id: item.event_id, replayed: false, sanitized: false, stream_seq: null };
  const refused = (status: 404 | 409, member: string, message: string): EventResult => {
    const code = status === 404 ? 'not_found' : 'already_exists';
    return { ...none, status, errors: [{ in: 'body', pointer: `/events/${index}/${member}`, code, message }] };
  };
  if ('errors' in item) {
    const status = item.errors.some(({ code }) => code === OTHER_EPISODE) ? 409 : 422;
    return { ...none, status, errors: item.errors };
  }
  if (outcome && 'stream_seq' in outcome) {
    const replayed = outcome.outcome === 'replayed';
    const { stream_seq } = outcome;
    return { ...none, status: replayed ? 200 : 201, replayed, sanitized: item.keep !== null, stream_seq, errors: [] };
  }
  if (outcome?.outcome === 'unknown_step') return refused(404, 'step_id', 'the episode has no such step');
  return refused(409, 'event_id', 'is the id of another event');
}
