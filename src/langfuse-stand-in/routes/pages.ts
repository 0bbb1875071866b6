import { Hono } from 'hono';
import type { Context } from 'hono';
import { PROJECT_ID } from '../deps.ts';
import type { CollectorDeps } from '../deps.ts';
import type { CollectorEnv } from '../faults.ts';
import { recentPage, tracePage } from '../pages.ts';

/** As many observations as Langfuse's own trace page loads. */
const TRACE_ROWS_MAX = 20_000;
const RECENT_TRACES_MAX = 100;

/** Pages for people: the latest traces, and one trace at the addresses that Langfuse uses. Plain HTML, no scripts. */
export function createPageRoutes({ store, mode, now }: CollectorDeps): Hono<CollectorEnv> {
  const trace = async (c: Context<CollectorEnv>) => {
    const id = c.req.param('trace') ?? '';
    const at = now();
    const [rows, said] = await Promise.all([
      store.listObservations({ trace_id: id }, { now: at, limit: TRACE_ROWS_MAX }),
      store.listTraceBodies(id, at),
    ]);
    const found = rows.length + said.length > 0;
    return c.html(tracePage({ id, rows, said, rows_max: TRACE_ROWS_MAX }), found ? 200 : 404);
  };
  const routes = new Hono<CollectorEnv>();
  routes.get('/', async (c) => c.html(recentPage(await store.listRecentTraces(RECENT_TRACES_MAX, now()))));
  // The address without a project looks into the older store, which a default v4 server leaves empty.
  if (mode !== 'events_only')
    routes.get('/trace/:trace', (c) => c.redirect(`/project/${PROJECT_ID}/traces/${c.req.param('trace')}`));
  routes.get('/project/:project/traces/:trace', trace);
  return routes;
}
