import { createRoute, z } from '@hono/zod-openapi';
import type { ApiDeps } from '../deps.ts';
import { boundedText } from '../../schemas/primitives.ts';
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

const steerRoute = createRoute({
  method: 'post',
  path: '/v1/schedules/{id}/{what}',
  operationId: 'steerSchedule',
  summary: 'Let a schedule wait (`pause`), let it run by itself again (`resume`), or run it once now (`run`)',
  tags: ['catalogue'],
  security,
  request: { params: z.object({ id: boundedText(1, 200), what: z.enum(['pause', 'resume', 'run']) }) },
  responses: { 202: json('The schedule as it is now', ScheduleResource), ...problems(403, 404) },
});

/** What this deployment offers, and what it does by itself. */
export function createCatalogueRoutes({
  catalogue,
  listSchedules,
  steerSchedule,
}: Pick<ApiDeps, 'catalogue' | 'listSchedules' | 'steerSchedule'>) {
  return createRoutes()
    .openapi(agentsRoute, (c) => c.json(catalogue(), 200))
    .openapi(schedulesRoute, async (c) => c.json({ items: await listSchedules() }, 200))
    .openapi(steerRoute, async (c) => {
      const { id, what } = c.req.valid('param');
      return c.json(await steerSchedule(id, { what, author: c.get('author') }), 202);
    });
}
