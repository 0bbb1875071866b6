import { createHash } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Kysely } from 'kysely';
import { findApiKey, findSessionKey } from '../db/read/api-keys.ts';
import type { KnownKey } from '../db/read/api-keys.ts';
import { AppError } from '../errors.ts';
import type { Database } from '../schemas/database.ts';
import type { ApiDeps } from './deps.ts';
import { problemResponse } from './problem.ts';
import { createRateLimiter } from './rate-limiter.ts';
import type { ApiEnv } from './route-parts.ts';

/** As wide as the keys that a deployment may be given: visible ASCII, of bounded length. */
const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i;
const READING = new Set(['GET', 'HEAD']);

/** The cookie of the page's session, and where sessions are made and ended, which readers may do too. */
export const SESSION_COOKIE = 'observatory_session';
export const SESSIONS_PATH = '/v1/sessions';

/** The SHA-256 of a key or token, in hexadecimal digits, under which it is kept. */
export const secretHash = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/**
 * Lets a request pass whose bearer key or session lives, within the rate of its key: a reader's to read, an operator's to do
 * everything. Keys and tokens are looked up by their SHA-256: how long a comparison of hashes takes tells nothing of what was
 * hashed. The key's name is the request's author.
 */
export function requireKey({
  db,
  links,
  requests_per_s_max,
}: Pick<ApiDeps, 'db' | 'links' | 'requests_per_s_max'>): MiddlewareHandler<ApiEnv> {
  const limiter = createRateLimiter(requests_per_s_max);
  return async (c, next) => {
    const key = await findCaller(c, { db, api_url: links.api_url });
    const wait_s = limiter.take(key.id);
    if (wait_s > 0)
      return problemResponse(c, 'resource_exhausted', {
        detail: `This key may ask ${requests_per_s_max} times a second here.`,
        headers: { 'retry-after': String(wait_s) },
      });
    if (key.role !== 'operator' && !READING.has(c.req.method) && c.req.path !== SESSIONS_PATH)
      throw new AppError('permission_denied', 'This key may only read: use an operator’s key.');
    c.set('key', key);
    c.set('author', key.name);
    await next();
    return undefined;
  };
}

async function findCaller(c: Context, { db, api_url }: { db: Kysely<Database>; api_url: string }): Promise<KnownKey> {
  const authorization = c.req.header('authorization');
  const token = authorization === undefined ? getCookie(c, SESSION_COOKIE) : undefined;
  if (token !== undefined) {
    // Browsers send the cookie by themselves, so a request that changes something must come from our own page.
    if (!READING.has(c.req.method) && !isOwnOrigin(c, api_url))
      throw new AppError('permission_denied', 'A session may change something only from the page of this address.');
    const found = await findSessionKey(db, secretHash(token));
    if (!found) throw new AppError('unauthenticated', 'This session has ended: log in again.');
    return found;
  }
  const [, key] = BEARER.exec(authorization ?? '') ?? [];
  if (key === undefined) throw new AppError('unauthenticated', 'Send `Authorization: Bearer <API key>`.');
  const found = await findApiKey(db, secretHash(key));
  if (!found) throw new AppError('unauthenticated', 'This API key is not known, or was revoked.');
  return found;
}

/** Whether the request's Origin, which browsers set and pages cannot, is the address that it was sent to. */
function isOwnOrigin(c: Context, api_url: string): boolean {
  const origin = c.req.header('origin') ?? '';
  if (!URL.canParse(origin)) return false;
  return origin === new URL(api_url).origin || new URL(origin).host === c.req.header('host');
}
