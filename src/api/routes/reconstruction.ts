import { createRoute, z } from '@hono/zod-openapi';
import { getEpisode } from '../../db/read/episodes.ts';
import { checkPlace, findLastPlace } from '../../db/read/places.ts';
import type { LinePlace } from '../../db/read/places.ts';
import type { ApiDeps } from '../deps.ts';
import { ConversationResource, WorkspaceResource } from '../resources.ts';
import { createRoutes, EpisodePath, json, Place, problems, security } from '../route-parts.ts';

const request = { params: EpisodePath, query: z.strictObject({ step: Place.optional() }) };

const workspaceRoute = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/workspace',
  operationId: 'getWorkspace',
  summary:
    'Read which files the workspace held after a step (0: at the beginning; none named: after the last that ended)',
  tags: ['debugging'],
  security,
  request,
  responses: { 200: json('The files by their hashes', WorkspaceResource), ...problems(404, 409) },
});

const conversationRoute = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/conversation',
  operationId: 'getConversation',
  summary: 'Read each role’s conversation as it was after a step (none named: after the last that ended)',
  tags: ['debugging'],
  security,
  request,
  responses: { 200: json('The conversation of each role', ConversationResource), ...problems(404, 409) },
});

/** What an episode was at a place of its line. */
export function createReconstructionRoutes({ db, reconstruction }: Pick<ApiDeps, 'db' | 'reconstruction'>) {
  const placeOf = async (id: string, step: number | undefined): Promise<LinePlace> => {
    const episode = await getEpisode(db, id);
    const place = { episode_id: episode.id, seq: step ?? (await findLastPlace(db, episode.id)) };
    await checkPlace(db, place);
    return place;
  };
  return createRoutes()
    .openapi(workspaceRoute, async (c) => {
      const place = await placeOf(c.req.valid('param').id, c.req.valid('query').step);
      return c.json(await reconstruction.workspace(place), 200);
    })
    .openapi(conversationRoute, async (c) => {
      const place = await placeOf(c.req.valid('param').id, c.req.valid('query').step);
      return c.json(await reconstruction.conversation(place), 200);
    });
}
