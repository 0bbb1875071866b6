import { createRoute, z } from '@hono/zod-openapi';
import { listAlerts } from '../../db/read/alerts.ts';
import { episodeCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { AlertResource, pageOf } from '../resources.ts';
import { createRoutes, json, Limit, PAGE_LIMIT_DEFAULT, problems, security, toPage } from '../route-parts.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/v1/alerts',
  operationId: 'listAlerts',
  summary: 'List what operators must know of, newest first: open alerts, or with state=all also cleared ones',
  tags: ['system'],
  security,
  request: {
    query: z.strictObject({
      state: z.enum(['open', 'all']).default('open'),
      cursor: episodeCursor.schema.optional(),
      limit: Limit.optional(),
    }),
  },
  responses: { 200: json('A page of alerts', pageOf(AlertResource)), ...problems() },
});

/** Reading alerts; they are raised and cleared by what they are about. */
export function createAlertRoutes({ db }: Pick<ApiDeps, 'db'>) {
  return createRoutes().openapi(listRoute, async (c) => {
    const { state, cursor, limit = PAGE_LIMIT_DEFAULT } = c.req.valid('query');
    const before = cursor === undefined ? {} : { before: episodeCursor.decode(cursor) };
    const rows = await listAlerts(db, { open: state === 'open', limit: limit + 1, ...before });
    return c.json(
      toPage(rows, limit, ({ id }) => episodeCursor.encode(id)),
      200,
    );
  });
}
