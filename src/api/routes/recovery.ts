import { createRoute, z } from '@hono/zod-openapi';
import { listRestorePoints } from '../../db/read/recovery.ts';
import { RecoveryStatus, RestorePoint } from '../../schemas/restore-point.ts';
import { episodeCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { pageOf } from '../resources.ts';
import { createRoutes, json, Limit, PAGE_LIMIT_DEFAULT, problems, security, toPage } from '../route-parts.ts';

const statusRoute = createRoute({
  method: 'get',
  path: '/v1/recovery/status',
  operationId: 'getRecoveryStatus',
  summary: 'Whether this deployment could be restored: how old the newest verified point is, and which checks fail',
  tags: ['recovery'],
  security,
  responses: { 200: json('The state of recovery', RecoveryStatus), ...problems() },
});

const listRoute = createRoute({
  method: 'get',
  path: '/v1/restore-points',
  operationId: 'listRestorePoints',
  summary: 'List the tries at restore points, newest first, with every check',
  tags: ['recovery'],
  security,
  request: {
    query: z.strictObject({ cursor: episodeCursor.schema.optional(), limit: Limit.optional() }),
  },
  responses: { 200: json('A page of restore points', pageOf(RestorePoint)), ...problems() },
});

const startRoute = createRoute({
  method: 'post',
  path: '/v1/restore-points',
  operationId: 'startRestorePoint',
  summary: 'Make a restore point now; while one is being made, that one is answered',
  tags: ['recovery'],
  security,
  responses: { 202: json('The workflow that makes it', z.object({ workflow_id: z.string() })), ...problems(403) },
});

/** Reading the state of recovery, and making a restore point. Restoring is the command line's: it needs no API. */
export function createRecoveryRoutes({ db, recovery }: Pick<ApiDeps, 'db' | 'recovery'>) {
  return createRoutes()
    .openapi(statusRoute, async (c) => c.json(await recovery.status(), 200))
    .openapi(listRoute, async (c) => {
      const { cursor, limit = PAGE_LIMIT_DEFAULT } = c.req.valid('query');
      const before = cursor === undefined ? {} : { before: episodeCursor.decode(cursor) };
      const rows = await listRestorePoints(db, { limit: limit + 1, ...before });
      return c.json(
        toPage(rows, limit, ({ id }) => episodeCursor.encode(id)),
        200,
      );
    })
    .openapi(startRoute, async (c) => c.json(await recovery.startRestorePoint(), 202));
}
