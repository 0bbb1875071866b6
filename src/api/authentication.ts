import { createHash } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { Kysely } from 'kysely';
import { findApiKey } from '../db/read/api-keys.ts';
import { AppError } from '../errors.ts';
import type { Database } from '../schemas/database.ts';
import type { ApiEnv } from './route-parts.ts';

/** As wide as the keys that a deployment may be given: visible ASCII, of bounded length. */
const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i;
const READING = new Set(['GET', 'HEAD']);

/**
 * Lets a request pass whose bearer key lives: a reader's to read, an operator's to do everything. The key is looked up by its
 * SHA-256, so that neither the database nor the time of the comparison tells anything of it. Its name is the request's author.
 */
export function requireApiKey(db: Kysely<Database>): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const [, key] = BEARER.exec(c.req.header('authorization') ?? '') ?? [];
    if (key === undefined) throw new AppError('unauthenticated', 'Send `Authorization: Bearer <API key>`.');
    const found = await findApiKey(db, createHash('sha256').update(key).digest('hex'));
    if (!found) throw new AppError('unauthenticated', 'This API key is not known, or was revoked.');
    if (found.role !== 'operator' && !READING.has(c.req.method))
      throw new AppError('permission_denied', 'This key may only read: use an operator’s key.');
    c.set('author', found.name);
    await next();
  };
}
