import { createRoute, z } from '@hono/zod-openapi';
import type { ApiDeps } from '../deps.ts';
import { CatalogueResource, ScheduleResource } from '../resources.ts';
import { createRoutes, json, problems, security } from '../route-parts.ts';

const agentsRoute = createRoute({
  method: 'get',
  path: '/v1/agents',
  operationId: 'listAgents',
  summary: 'What episodes can be started with: agents with their roles and tools, models, and scripts',
  tags: ['catalogue'],
  security,
  responses: { 200: json('All of it', CatalogueResource), ...problems() },
});

const schedulesRoute = createRoute({
  method: 'get',
  path: '/v1/schedules',
  operationId: 'listSchedules',
  summary: 'What runs by itself, and when it did and will',
  tags: ['catalogue'],
  security,
  responses: { 200: json('All of them', z.object({ items: z.array(ScheduleResource) })), ...problems() },
});

/** What this deployment offers. */
export function createCatalogueRoutes({ catalogue, listSchedules }: Pick<ApiDeps, 'catalogue' | 'listSchedules'>) {
  return createRoutes()
    .openapi(agentsRoute, (c) => c.json(catalogue(), 200))
    .openapi(schedulesRoute, async (c) => c.json({ items: await listSchedules() }, 200));
}
