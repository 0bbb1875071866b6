import { createRoute } from '@hono/zod-openapi';
import { readOperations } from '../../db/read/operations.ts';
import type { ApiDeps } from '../deps.ts';
import { OperationsResource } from '../resources.ts';
import { createRoutes, json, problems, security } from '../route-parts.ts';

const route = createRoute({
  method: 'get',
  path: '/v1/operations',
  operationId: 'getOperations',
  summary: 'Read the state of the outbox, drills, workers and keys, with the rows that are counted',
  tags: ['system'],
  security,
  responses: { 200: json('How they stand', OperationsResource), ...problems() },
});

/** What operators look after. */
export function createOperationsRoutes({ db }: Pick<ApiDeps, 'db'>) {
  return createRoutes().openapi(route, async (c) => c.json(await readOperations(db), 200));
}
