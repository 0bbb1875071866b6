// The API over the database of DATABASE_URL, and beside it, at /bare, a plain Hono route that runs the same SQL: a process of
// its own, so that what measures it does not slow it.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { pino } from 'pino';
import { createApp } from '../../src/api/app.ts';
import type { ApiDeps } from '../../src/api/deps.ts';
import { createDatabase } from '../../src/db/client.ts';
import { recordStepPage } from './api-sql.ts';

const { db, pool } = createDatabase(process.env['DATABASE_URL'] ?? '');
const readStepPage = await recordStepPage(pool);
const app = new Hono().get('/bare/:id', async (c) => c.json(await readStepPage(c.req.param('id'))));
// The routes that are measured touch these alone.
const deps = {
  db,
  store: { bucket: 'artifacts' },
  namespace: 'bench',
  links: {
    api_url: 'http://127.0.0.1',
    temporal_ui_url: undefined,
    temporal_namespace: 'default',
    langfuse_project_url: () => 'http://127.0.0.1/project/p1',
  },
  requests_per_s_max: 0,
  logger: pino({ name: 'observatory-api' }, pino.destination('/dev/null')),
} as unknown as ApiDeps;
app.route('/', createApp(deps));
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => process.stdout.write(`${port}\n`));
