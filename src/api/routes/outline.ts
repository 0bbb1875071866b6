import { createRoute, z } from '@hono/zod-openapi';
import { compress } from 'hono/compress';
import { readOutline } from '../../db/read/outline.ts';
import type { ApiDeps } from '../deps.ts';
import { OutlineResource } from '../resources.ts';
import { createRoutes, EpisodePath, json, Place, problems, queryInteger, security } from '../route-parts.ts';

/** About a megabyte of columns, which Postgres gathers in a tenth of a second. */
const OUTLINE_STEPS_MAX = 10_000;
const OUTLINE_STEPS_DEFAULT = 1_000;

const route = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/outline',
  operationId: 'getOutline',
  summary: 'Read the steps of an episode as a list shows them, column by column, without their contents',
  tags: ['steps'],
  security,
  middleware: compress(),
  request: {
    params: EpisodePath,
    query: z.strictObject({
      after: Place.optional(),
      limit: queryInteger({ min: 1, max: OUTLINE_STEPS_MAX, default: OUTLINE_STEPS_DEFAULT }).optional(),
    }),
  },
  responses: { 200: json('A part of the outline', OutlineResource), ...problems(404) },
});

/** Episodes of any length at a glance. */
export function createOutlineRoutes({ db }: Pick<ApiDeps, 'db'>) {
  return createRoutes().openapi(route, async (c) => {
    const { id } = c.req.valid('param');
    const { after = 0, limit = OUTLINE_STEPS_DEFAULT } = c.req.valid('query');
    const part = await readOutline(db, { episode_id: id, after, limit });
    const full = part.steps.seq.length === limit;
    return c.json({ ...part, next_after: full ? (part.steps.seq.at(-1) ?? null) : null }, 200);
  });
}
