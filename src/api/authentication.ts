import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import { takeSignInLink } from '../db/append/sessions.ts';
import { findApiKey, findSessionKey } from '../db/read/api-keys.ts';
import type { KnownKey } from '../db/read/api-keys.ts';
import { AppError } from '../errors.ts';
import type { ApiDeps } from './deps.ts';
import { problemOf, problemResponse } from './problem.ts';
import { createRateLimiter } from './rate-limiter.ts';
import type { ApiEnv } from './route-parts.ts';
import { sha256Of } from '../identity.ts';

/** As wide as the keys that a deployment may be given: visible ASCII, of bounded length. */
const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i;
const READING = new Set(['GET', 'HEAD']);

/** The cookie of the page's session, and where sessions are made and ended, which readers may do too. */
export const SESSION_COOKIE = 'observatory_session';
export const SESSIONS_PATH = '/v1/sessions';
/** How the token of a link that signs in once begins. It is good for making one session and for nothing else. */
export const SIGN_IN_TOKEN_PREFIX = 'once_';

/** The SHA-256 of a key or token, in hexadecimal digits, under which it is kept. */
export const secretHash = (secret: string): string => sha256Of(secret);

/** Callers that are kept in mind: keys are few, and sessions end. The oldest goes first. */
const CALLERS_MAX = 10_000;

/**
 * Lets a request pass whose bearer key or session lives, within the rate of its key: a reader's to read, an operator's to do
 * everything. Keys and tokens are looked up by their SHA-256: how long a comparison of hashes takes reveals nothing of what was
 * hashed. The key's name is the request's author.
 *
 * Every request has its key looked up. One that only reads does not wait for it where the key lived at its last request: its
 * answer waits instead, and is dropped if the key has died since.
 */
export function requireKey({
  db,
  links,
  requests_per_s_max,
}: Pick<ApiDeps, 'db' | 'links' | 'requests_per_s_max'>): MiddlewareHandler<ApiEnv> {
  const limiter = createRateLimiter(requests_per_s_max);
  const callers = new Map<string, KnownKey>();
  const lookUp = async ({ hash, find, unknown }: Secret): Promise<KnownKey> => {
    const found = await find(db, hash);
    callers.delete(hash);
    if (!found) throw new AppError('unauthenticated', unknown);
    if (find !== takeSignInLink) callers.set(hash, found);
    const [first] = callers.keys();
    if (callers.size > CALLERS_MAX && first !== undefined) callers.delete(first);
    return found;
  };
  return async (c, next) => {
    const secret = secretOf(c, links.api_url);
    const known = READING.has(c.req.method) ? callers.get(secret.hash) : undefined;
    const looked = lookUp(secret);
    // It is awaited in any case, but may have failed before.
    looked.catch(() => {});
    const key = known ?? (await looked);
    const wait_s = limiter.take(key.id);
    if (wait_s > 0)
      return problemResponse(c, 'resource_exhausted', {
        detail: `This key may ask ${requests_per_s_max} times a second here.`,
        headers: { 'retry-after': String(wait_s) },
      });
    if (key.role !== 'operator' && !READING.has(c.req.method) && !c.req.path.startsWith(SESSIONS_PATH))
      throw new AppError('permission_denied', 'This key may only read: use an operator’s key.');
    c.set('key', key);
    c.set('author', key.name);
    await next();
    await looked.catch(async (error: unknown) => {
      const refusal = problemOf(c, error);
      await c.res.body?.cancel();
      // Taken away before it is replaced, or its headers would go out with the problem.
      c.res = undefined;
      c.res = refusal;
    });
    return undefined;
  };
}

/** What a request says who it is with, hashed; how that is looked up, and what is said where it is not known. */
type Secret = { hash: string; find: typeof findApiKey; unknown: string };

function secretOf(c: Context, api_url: string): Secret {
  const authorization = c.req.header('authorization');
  const token = authorization === undefined ? getCookie(c, SESSION_COOKIE) : undefined;
  if (token !== undefined) {
    // Browsers send the cookie by themselves, so a request that changes something must come from our own page.
    if (!READING.has(c.req.method) && !isOwnOrigin(c, api_url))
      throw new AppError('permission_denied', 'A session may change something only from the page of this address.');
    return { hash: secretHash(token), find: findSessionKey, unknown: 'This session has ended: log in again.' };
  }
  const [, key] = BEARER.exec(authorization ?? '') ?? [];
  if (key === undefined) throw new AppError('unauthenticated', 'Send `Authorization: Bearer <API key>`.');
  if (key.startsWith(SIGN_IN_TOKEN_PREFIX) && c.req.method === 'POST' && c.req.path === SESSIONS_PATH)
    return { hash: secretHash(key), find: takeSignInLink, unknown: 'This link was used already, or is too old.' };
  return { hash: secretHash(key), find: findApiKey, unknown: 'This API key is not known, or was revoked.' };
}

/** Whether the request's Origin, which browsers set and pages cannot, is the address that it was sent to. */
function isOwnOrigin(c: Context, api_url: string): boolean {
  const origin = c.req.header('origin') ?? '';
  if (!URL.canParse(origin)) return false;
  return origin === new URL(api_url).origin || new URL(origin).host === c.req.header('host');
}
