import { createRoute, z } from '@hono/zod-openapi';
import type { ApiDeps } from '../deps.ts';
import type { Metrics } from '../metrics.ts';
import { Readiness } from '../resources.ts';
import { createRoutes, json } from '../route-parts.ts';

const healthRoute = createRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'getHealth',
  summary: 'Whether this process answers',
  tags: ['system'],
  responses: { 200: json('It does', z.object({ status: z.literal('ok') })) },
});

const readyRoute = createRoute({
  method: 'get',
  path: '/readyz',
  operationId: 'getReadiness',
  summary: 'Whether this process can serve, and how each dependency is',
  tags: ['system'],
  responses: { 200: json('Ready', Readiness), 503: json('Not ready', Readiness) },
});

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'getMetrics',
  summary:
    'Figures for Prometheus: requests, episodes, coverage, the trace outbox, alerts, recovery; no names, no contents',
  tags: ['system'],
  responses: {
    200: {
      description: 'The figures, in Prometheus’ text format',
      content: { 'text/plain': { schema: z.string() } },
    },
  },
});

/** What orchestrators and Prometheus ask; open to everyone. */
export function createSystemRoutes({ ready }: Pick<ApiDeps, 'ready'>, metrics: Pick<Metrics, 'scrape'>) {
  return createRoutes()
    .openapi(healthRoute, (c) => c.json({ status: 'ok' as const }, 200))
    .openapi(readyRoute, async (c) => {
      const dependencies = await ready();
      const all = Object.values(dependencies).every(({ state, spared }) => state === 'ok' || spared);
      return c.json({ ready: all, dependencies }, all ? 200 : 503);
    })
    .openapi(metricsRoute, async (c) => {
      const { text, content_type } = await metrics.scrape();
      return c.text(text, 200, { 'content-type': content_type });
    });
}
