import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '../../errors.ts';
import { publishedSchema, schemaIdOf } from '../../schemas/events/json-schema.ts';
import { EVENTS, findEventSchema } from '../../schemas/events/registry.ts';
import { namesTag } from '../byte-range.ts';
import { EventSchemaResource } from '../resources.ts';
import { createRoutes, json, problems, security, Seq } from '../route-parts.ts';
import { sha256Of } from '../../identity.ts';

/** A version of a type never changes. `private`, for it needs a key. */
const CACHE_CONTROL = 'private, max-age=31536000, immutable';

const listRoute = createRoute({
  method: 'get',
  path: '/v1/schemas/events',
  operationId: 'listEventSchemas',
  summary: 'List the types of events, each in all its versions',
  tags: ['events'],
  security,
  responses: { 200: json('All of them', z.object({ items: z.array(EventSchemaResource) })), ...problems() },
});

const getRoute = createRoute({
  method: 'get',
  path: '/v1/schemas/events/{type}/{v}',
  operationId: 'getEventSchema',
  summary: 'Read the JSON Schema of an event; it never changes',
  tags: ['events'],
  security,
  request: {
    params: z.object({ type: z.string().regex(/^[a-z][a-z0-9_]{0,99}$/), v: Seq }),
    headers: z.object({ 'if-none-match': z.string().optional() }),
  },
  responses: {
    200: {
      description: 'The schema',
      headers: z.object({ etag: z.string(), 'cache-control': z.string() }),
      content: { 'application/schema+json': { schema: z.object({ $id: z.string(), type: z.string() }) } },
    },
    304: { description: 'The client has it already' },
    ...problems(404),
  },
});

/** The schemas of events, for those who write producers. */
export function createEventSchemaRoutes() {
  return createRoutes()
    .openapi(listRoute, (c) => {
      const items = EVENTS.map((event) => {
        const { type, v } = { type: event.shape.type.value, v: event.shape.v.value };
        return { type, v, id: schemaIdOf(event), href: `/v1/schemas/events/${type}/${v}` };
      });
      return c.json({ items }, 200);
    })
    .openapi(getRoute, (c) => {
      const { type, v } = c.req.valid('param');
      const event = findEventSchema(type, v);
      if (!event) throw new AppError('not_found', 'There is no event of this type and version.');
      const body = JSON.stringify(publishedSchema(event));
      const etag = `"${sha256Of(body)}"`;
      const head = { etag, 'cache-control': CACHE_CONTROL };
      if (namesTag(c.req.valid('header')['if-none-match'], etag)) return c.body(null, 304, head);
      return c.body(body, 200, { ...head, 'content-type': 'application/schema+json' }) as never;
    });
}
