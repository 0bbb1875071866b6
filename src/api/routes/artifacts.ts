import { createRoute, z } from '@hono/zod-openapi';
import { insertArtifact } from '../../db/append/artifacts.ts';
import { findArtifactFile, getArtifact, listEpisodeArtifacts } from '../../db/read/artifacts.ts';
import { getEpisode } from '../../db/read/episodes.ts';
import { AppError } from '../../errors.ts';
import { ArtifactKind } from '../../schemas/artifact.ts';
import { Sha256 } from '../../schemas/primitives.ts';
import { OBJECT_BYTES_MAX } from '../../storage/object-store.ts';
import { artifactCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { toArtifact, toFile } from '../links.ts';
import { problemResponse } from '../problem.ts';
import { ArtifactResource, EpisodeArtifactResource, pageOf } from '../resources.ts';
import {
  artifactLinks,
  createRoutes,
  EpisodePath,
  json,
  Limit,
  PAGE_LIMIT_DEFAULT,
  problems,
  security,
  toPage,
} from '../route-parts.ts';

const params = z.object({ sha256: Sha256 });
const bytes = z.string().openapi({ format: 'binary' });

const links = artifactLinks('/sha256');

const listRoute = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/artifacts',
  operationId: 'listEpisodeArtifacts',
  summary: 'List the files that the steps of an episode read and made',
  tags: ['artifacts'],
  security,
  request: {
    params: EpisodePath,
    query: z.strictObject({
      kind: ArtifactKind.optional(),
      role: z.enum(['input', 'output']).optional(),
      cursor: artifactCursor.schema.optional(),
      limit: Limit.optional(),
    }),
  },
  responses: {
    200: { ...json('A page of files', pageOf(EpisodeArtifactResource)), links: artifactLinks('/items/0/sha256') },
    ...problems(404),
  },
});

const putRoute = createRoute({
  method: 'put',
  path: '/v1/artifacts/{sha256}',
  operationId: 'putArtifact',
  summary: 'Store the bytes that have this hash; storing them again changes nothing',
  tags: ['artifacts'],
  security,
  request: { params, body: { required: true, content: { 'application/octet-stream': { schema: bytes } } } },
  responses: {
    200: { ...json('It was stored already', ArtifactResource), links },
    201: { ...json('Stored', ArtifactResource), links },
    ...problems(403, 409, 413),
  },
});

const getRoute = createRoute({
  method: 'get',
  path: '/v1/artifacts/{sha256}',
  operationId: 'getArtifact',
  summary: 'Read what is known of an artifact',
  tags: ['artifacts'],
  security,
  request: { params },
  responses: { 200: json('The artifact', ArtifactResource), ...problems(404) },
});

/** Files by their content. */
export function createArtifactRoutes({ db, store }: Pick<ApiDeps, 'db' | 'store'>) {
  const describe = async (sha256: Sha256) => {
    const [artifact, file] = await Promise.all([getArtifact(db, sha256), findArtifactFile(db, { sha256 })]);
    // What no step knows has the type that it was stored with.
    const content_type = file?.content_type ?? (await store.stat(sha256))?.content_type ?? 'application/octet-stream';
    return toArtifact({ ...artifact, content_type }, store.bucket);
  };
  return createRoutes()
    .openapi(listRoute, async (c) => {
      const { id } = await getEpisode(db, c.req.valid('param').id);
      const { cursor, limit = PAGE_LIMIT_DEFAULT, kind, role } = c.req.valid('query');
      const rows = await listEpisodeArtifacts(db, {
        episode_id: id,
        limit: limit + 1,
        ...(cursor !== undefined && { after: artifactCursor.decode(cursor) }),
        ...(kind && { kind }),
        ...(role && { role }),
      });
      const { items, next_cursor } = toPage(rows, limit, artifactCursor.encode);
      return c.json(
        { items: items.map(({ seq, ...link }) => ({ seq, ...toFile(link, store.bucket) })), next_cursor },
        200,
      );
    })
    .openapi(putRoute, async (c) => {
      const { sha256 } = c.req.valid('param');
      const { raw } = c.req;
      if (Number(c.req.header('content-length') ?? 0) > OBJECT_BYTES_MAX) return tooLarge(c);
      try {
        const { size_bytes } = await store.put(raw.body ?? new Uint8Array(), {
          contentType: mediaTypeOf(c.req.header('content-type')),
          signal: raw.signal,
          expected: { sha256 },
        });
        const { created } = await insertArtifact(db, { sha256, size_bytes });
        return c.json(await describe(sha256), created ? 201 : 200);
      } catch (error) {
        // The limit of a body is HTTP's 413; the table's 429 is for what passes with time.
        if (error instanceof AppError && error.code === 'resource_exhausted') return tooLarge(c);
        // Nothing is wrong with either alone: the bytes and the address contradict each other.
        if (error instanceof AppError && error.code === 'invalid_argument') return otherBytes(c);
        throw error;
      }
    })
    .openapi(getRoute, async (c) => c.json(await describe(c.req.valid('param').sha256), 200));
}

const tooLarge = (c: Parameters<typeof problemResponse>[0]) =>
  problemResponse(c, 'payload_too_large', { detail: `An artifact has at most ${OBJECT_BYTES_MAX} bytes.` }) as never;

const otherBytes = (c: Parameters<typeof problemResponse>[0]) =>
  problemResponse(c, 'failed_precondition', {
    detail: 'The bytes do not have the hash that the address names: nothing was stored.',
  }) as never;

/** The media type that a client gave, without parameters; octet-stream where it gave none that is one. */
function mediaTypeOf(header: string | undefined): string {
  const [, type] = /^\s*([\w!#$&^.+-]{1,60}\/[\w!#$&^.+-]{1,60})\s*(?:;|$)/.exec(header ?? '') ?? [];
  return type?.toLowerCase() ?? 'application/octet-stream';
}
