import { createRoute, z } from '@hono/zod-openapi';
import { getStepDetail, listStepsWithFiles } from '../../db/read/steps.ts';
import { Uuid } from '../../schemas/primitives.ts';
import { StepKind } from '../../schemas/step.ts';
import { stepCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { toStep } from '../links.ts';
import { pageOf, StepDetailResource, StepResource } from '../resources.ts';
import {
  artifactLinks,
  createRoutes,
  EpisodePath,
  json,
  Limit,
  PAGE_LIMIT_DEFAULT,
  Place,
  problems,
  security,
  Seq,
  toPage,
} from '../route-parts.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/steps',
  operationId: 'listSteps',
  summary: 'List the steps of an episode in their order, with the files that they read and made',
  tags: ['steps'],
  security,
  request: {
    params: EpisodePath,
    query: z.strictObject({
      kind: StepKind.optional(),
      /** Those after this number; a cursor, where there is one, goes on instead. */
      after: Place.optional(),
      cursor: stepCursor.schema.optional(),
      limit: Limit.optional(),
    }),
  },
  responses: {
    200: {
      ...json('A page of steps', pageOf(StepResource)),
      links: {
        getStep: {
          operationId: 'getStep',
          parameters: { id: '$request.path.id', seq: '$response.body#/items/0/seq' },
        },
      },
    },
    ...problems(404),
  },
});

const getRoute = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/steps/{seq}',
  operationId: 'getStep',
  summary: 'Read a step with its tries',
  tags: ['steps'],
  security,
  request: { params: z.object({ id: Uuid, seq: Seq }) },
  responses: {
    200: { ...json('The step', StepDetailResource), links: artifactLinks('/artifacts/0/sha256') },
    ...problems(404),
  },
});

/** Reading steps. Large inputs and outputs are `{"$artifact", size_bytes, preview}`. */
export function createStepRoutes(deps: Pick<ApiDeps, 'db' | 'store' | 'links' | 'namespace'>) {
  const { db } = deps;
  return createRoutes()
    .openapi(listRoute, async (c) => {
      const { id } = c.req.valid('param');
      const { after: given = 0, cursor, limit = PAGE_LIMIT_DEFAULT, kind } = c.req.valid('query');
      const after = cursor === undefined ? given : stepCursor.decode(cursor);
      const rows = await listStepsWithFiles(db, { episode_id: id, after, limit: limit + 1, ...(kind && { kind }) });
      const { items, next_cursor } = toPage(rows, limit, ({ seq }) => stepCursor.encode(seq));
      return c.json({ items: items.map((step) => toStep(step, deps)), next_cursor }, 200);
    })
    .openapi(getRoute, async (c) => {
      const { id, seq } = c.req.valid('param');
      return c.json(toStep(await getStepDetail(db, id, seq), deps), 200);
    });
}
