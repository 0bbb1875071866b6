import { createHash, createHmac } from 'node:crypto';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { GetMediaResponse, GetMediaUploadUrlResponse } from '@langfuse/core';
import { AppError } from '../../errors.ts';
import { jsonBody, parsed } from '../deps.ts';
import type { CollectorDeps } from '../deps.ts';
import type { CollectorEnv } from '../faults.ts';

/** Langfuse's own bound is about 1 GB; pictures are far below this. */
const MEDIA_BYTES_MAX = 50 * 1024 ** 2;
/** Addresses of contents are good for an hour there; here as long as the keys. */
const URL_MS = 3_600_000;

const UploadRequest = z.object({
  traceId: z.string().nullish(),
  observationId: z.string().nullish(),
  contentType: z.string().regex(/^[a-z]+\/[a-z0-9.+-]+$/),
  contentLength: z.int().min(1).max(MEDIA_BYTES_MAX),
  sha256Hash: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
  field: z.enum(['input', 'output', 'metadata']),
});
const Uploaded = z.object({
  uploadedAt: z.string(),
  uploadHttpStatus: z.int(),
  uploadHttpError: z.string().nullish(),
  uploadTimeMs: z.number().nullish(),
});

/** Media: the address to upload to, the upload, the report that it is there, and reading it back. */
export function createMediaRoutes({ store, keys, now }: CollectorDeps): Hono<CollectorEnv> {
  const token = (id: string) => createHmac('sha256', keys.secret_key).update(`media/${id}`).digest('base64url');
  const address = (c: Context, id: string) => `${new URL(c.req.url).origin}/media/${id}?token=${token(id)}`;
  const permitted = (c: Context<CollectorEnv, '/media/:id'>) => {
    const id = c.req.param('id');
    if (c.req.query('token') !== token(id)) throw new AppError('permission_denied', 'This address is not signed.');
    return id;
  };

  return new Hono<CollectorEnv>()
    .post('/api/public/media', async (c) => {
      const { contentType, contentLength, sha256Hash } = parsed(UploadRequest, await jsonBody(c));
      const mediaId = sha256Hash.replaceAll('+', '-').replaceAll('/', '_').slice(0, 22);
      const known = await store.findMedia(mediaId);
      if (known?.uploaded_at && known.content_type === contentType)
        return c.json({ mediaId, uploadUrl: null } as unknown as GetMediaUploadUrlResponse, 201);
      await store.putMedia({ id: mediaId, sha256: sha256Hash, content_type: contentType, size_bytes: contentLength });
      return c.json({ mediaId, uploadUrl: address(c, mediaId) } satisfies GetMediaUploadUrlResponse, 201);
    })
    .patch('/api/public/media/:id', async (c) => {
      const { uploadedAt, uploadHttpStatus } = parsed(Uploaded, await jsonBody(c));
      if (!(await store.findMedia(c.req.param('id')))) throw new AppError('not_found', 'Media asset not found');
      if (uploadHttpStatus === 200) await store.markMedia(c.req.param('id'), uploadedAt);
      return c.json({});
    })
    .get('/api/public/media/:id', async (c) => {
      const id = c.req.param('id');
      const media = await store.findMedia(id);
      if (!media?.uploaded_at) throw new AppError('not_found', 'Media asset not found or not uploaded');
      const { content_type, size_bytes, uploaded_at } = media;
      return c.json({
        mediaId: id,
        contentType: content_type,
        contentLength: size_bytes,
        uploadedAt: uploaded_at,
        url: address(c, id),
        urlExpiry: new Date(now().getTime() + URL_MS).toISOString(),
      } satisfies GetMediaResponse);
    })
    .put('/media/:id', bodyLimit({ maxSize: MEDIA_BYTES_MAX }), async (c) => {
      const id = permitted(c);
      const media = await store.findMedia(id);
      const bytes = Buffer.from(await c.req.arrayBuffer());
      const sha256 = createHash('sha256').update(bytes).digest('base64');
      if (media?.sha256 !== sha256) throw new AppError('invalid_argument', 'The bytes do not have the promised hash.');
      await store.fillMedia(id, bytes);
      return c.body(null, 200);
    })
    .get('/media/:id', async (c) => {
      const media = await store.findMedia(permitted(c));
      if (!media?.bytes) throw new AppError('not_found', 'Media asset not found');
      const headers = { 'content-type': media.content_type, 'x-content-type-options': 'nosniff' };
      return c.body(new Uint8Array(media.bytes), 200, { ...headers, 'content-security-policy': "default-src 'none'" });
    });
}
