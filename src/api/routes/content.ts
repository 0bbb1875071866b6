import { Readable } from 'node:stream';
import { createRoute, z } from '@hono/zod-openapi';
import { findArtifactFile, getArtifact } from '../../db/read/artifacts.ts';
import { AppError } from '../../errors.ts';
import { boundedText, Sha256, Uuid } from '../../schemas/primitives.ts';
import { namesTag, parseRange } from '../byte-range.ts';
import { dispositionOf, safeContentType } from '../content-headers.ts';
import type { ApiDeps } from '../deps.ts';
import { problemResponse } from '../problem.ts';
import { createRoutes, problems, security } from '../route-parts.ts';

/** Longer paths are no files of steps. In characters. */
const PATH_CHARS_MAX = 4_096;

/** A year, the longest that caches are allowed: the bytes of a hash never change. `private`, for they need a key. */
const CACHE_CONTROL = 'private, max-age=31536000, immutable';

/** Under the media type that it was stored with, where a browser runs nothing under that. */
const bytes = { '*/*': { schema: z.string().openapi({ format: 'binary' }) } };
const headers = z.object({ etag: z.string(), 'accept-ranges': z.string() });

const getRoute = createRoute({
  method: 'get',
  path: '/v1/artifacts/{sha256}/content',
  operationId: 'getArtifactContent',
  summary: 'Read the bytes of an artifact, or one range of them, under the name and type of the file that is followed',
  tags: ['artifacts'],
  security,
  request: {
    params: z.object({ sha256: Sha256 }),
    query: z.strictObject({ step: Uuid.optional(), path: boundedText(1, PATH_CHARS_MAX).optional() }),
    headers: z.object({
      range: z.string().optional(),
      'if-range': z.string().optional(),
      'if-none-match': z.string().optional(),
    }),
  },
  responses: {
    200: { description: 'All of it, under its own media type', headers, content: bytes },
    206: { description: 'The range', headers, content: bytes },
    304: { description: 'The client has it already' },
    ...problems(404, 416),
  },
});

/** The bytes of artifacts, as video players and browsers ask for them. */
export function createContentRoutes({ db, store }: Pick<ApiDeps, 'db' | 'store'>) {
  return createRoutes().openapi(getRoute, async (c) => {
    const { sha256 } = c.req.valid('param');
    const asked = c.req.valid('header');
    const artifact = await getArtifact(db, sha256);
    const { step, path } = c.req.valid('query');
    const file = await findArtifactFile(db, { sha256, step, path });
    if (!file && (step !== undefined || path !== undefined))
      throw new AppError('not_found', `no file ${path ?? ''} of ${step ? `step ${step}` : 'any step'} has these bytes`);
    const etag = `"${sha256}"`;
    if (namesTag(asked['if-none-match'], etag)) return c.body(null, 304, { etag, 'cache-control': CACHE_CONTROL });

    const size = artifact.size_bytes;
    const sameContent = asked['if-range'] === undefined || asked['if-range'] === etag;
    const range = sameContent ? parseRange(asked.range, size) : undefined;
    if (range === 'unsatisfiable')
      return problemResponse(c, 'out_of_range', { headers: { 'content-range': `bytes */${size}` } });

    const stat = await store.stat(sha256);
    if (!stat) throw new AppError('data_loss', `artifact ${sha256} has a row and no object`);
    const contentType = safeContentType(file?.content_type ?? stat.content_type);
    const head = {
      etag,
      'accept-ranges': 'bytes',
      'cache-control': CACHE_CONTROL,
      'content-type': contentType,
      'content-length': String(range ? range.end - range.start + 1 : size),
      'content-disposition': dispositionOf(contentType, file?.path ?? sha256),
      'x-content-type-options': 'nosniff',
      // What an agent wrote never runs as ours, should a browser take it for a document.
      'content-security-policy': "default-src 'none'; sandbox",
      ...(range && { 'content-range': `bytes ${range.start}-${range.end}/${size}` }),
    };
    const status = range ? 206 : 200;
    if (c.req.method === 'HEAD') return c.body(null, status, head) as never;
    const { stream } = await store.read(sha256, { signal: c.req.raw.signal, ...(range && { range }) });
    return c.body(Readable.toWeb(stream) as ReadableStream, status, head) as never;
  });
}
