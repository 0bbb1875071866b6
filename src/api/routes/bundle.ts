import { Readable } from 'node:stream';
import { createRoute, z } from '@hono/zod-openapi';
import { getEpisode } from '../../db/read/episodes.ts';
import { streamBundle } from '../bundle.ts';
import { dispositionOf } from '../content-headers.ts';
import type { ApiDeps } from '../deps.ts';
import { createRoutes, EpisodePath, problems, security } from '../route-parts.ts';

const getRoute = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/bundle',
  operationId: 'getBundle',
  summary:
    'Read everything on record of an episode as one zip: tables, histories, artifacts, and a manifest with hashes',
  tags: ['replays'],
  security,
  request: { params: EpisodePath },
  responses: {
    200: {
      description: 'The bundle, streamed; its last 64 bytes are the SHA-256 of all before them',
      content: { 'application/zip': { schema: z.string().openapi({ format: 'binary' }) } },
    },
    ...problems(404),
  },
});

/** Episodes to take away. */
export function createBundleRoutes(deps: Pick<ApiDeps, 'db' | 'store' | 'code_version'>) {
  return createRoutes().openapi(getRoute, async (c) => {
    const episode = await getEpisode(deps.db, c.req.valid('param').id);
    const head = {
      'content-type': 'application/zip',
      'cache-control': 'no-store',
      'content-disposition': dispositionOf('application/zip', `/episode-${episode.id}.zip`),
    };
    if (c.req.method === 'HEAD') return c.body(null, 200, head) as never;
    const stream = await streamBundle(deps, episode);
    return c.body(Readable.toWeb(stream) as ReadableStream, 200, head) as never;
  });
}
