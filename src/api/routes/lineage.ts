import { createRoute, z } from '@hono/zod-openapi';
import { getArtifact } from '../../db/read/artifacts.ts';
import { readLineage } from '../../db/read/lineage.ts';
import { Sha256 } from '../../schemas/primitives.ts';
import type { ApiDeps } from '../deps.ts';
import { LineageResource } from '../resources.ts';
import { createRoutes, json, problems, queryInteger, security } from '../route-parts.ts';

const DEPTH_DEFAULT = 2;

const route = createRoute({
  method: 'get',
  path: '/v1/artifacts/{sha256}/lineage',
  operationId: 'getLineage',
  summary:
    'Say which step and try wrote an artifact, from which code and files, and what was made of it, as many steps up and down as are asked for',
  tags: ['artifacts'],
  security,
  request: {
    params: z.object({ sha256: Sha256 }),
    query: z.strictObject({ depth: queryInteger({ min: 1, max: 5, default: DEPTH_DEFAULT }).optional() }),
  },
  responses: { 200: json('Its lineage, nearest first', LineageResource), ...problems(404) },
});

/** Where artifacts come from and where they go. */
export function createLineageRoutes({ db }: Pick<ApiDeps, 'db'>) {
  return createRoutes().openapi(route, async (c) => {
    const { sha256 } = await getArtifact(db, c.req.valid('param').sha256);
    const { depth = DEPTH_DEFAULT } = c.req.valid('query');
    return c.json(await readLineage(db, { sha256, depth }), 200);
  });
}
