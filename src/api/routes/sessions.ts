import { randomBytes } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { deleteSession, insertSession } from '../../db/append/sessions.ts';
import { AppError } from '../../errors.ts';
import { ApiKeyRole } from '../../schemas/api-key.ts';
import { Timestamp } from '../../schemas/primitives.ts';
import { secretHash, SESSION_COOKIE, SESSIONS_PATH } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { createRoutes, json, problems, security } from '../route-parts.ts';

/** A working day; then people log in again. */
const SESSION_S = 12 * 3_600;
const TOKEN_BYTES = 32;

const Caller = z.object({ name: z.string(), role: ApiKeyRole });
const setsCookie = z.object({ 'set-cookie': z.string() });

const makeRoute = createRoute({
  method: 'post',
  path: SESSIONS_PATH,
  operationId: 'startSession',
  summary: 'Log in: the bearer key becomes a cookie that a page cannot read and other sites cannot use',
  tags: ['sessions'],
  security: [{ bearer: [] }],
  responses: {
    201: { ...json('Logged in', Caller.extend({ expires_at: Timestamp })), headers: setsCookie },
    ...problems(403),
  },
});

const readRoute = createRoute({
  method: 'get',
  path: SESSIONS_PATH,
  operationId: 'getSession',
  summary: 'Say who asks, and what they may do',
  tags: ['sessions'],
  security,
  responses: { 200: json('The name and role of the key', Caller), ...problems() },
});

const endRoute = createRoute({
  method: 'delete',
  path: SESSIONS_PATH,
  operationId: 'endSession',
  summary: 'Log out: the session of the cookie ends everywhere',
  tags: ['sessions'],
  security,
  responses: { 204: { description: 'Logged out', headers: setsCookie }, ...problems(403) },
});

/** The page's sessions. */
export function createSessionRoutes({ db, links }: Pick<ApiDeps, 'db' | 'links'>) {
  const cookie = () => ({
    path: '/',
    httpOnly: true,
    sameSite: 'Strict' as const,
    secure: links.api_url.startsWith('https:'),
  });
  return createRoutes()
    .openapi(makeRoute, async (c) => {
      const { id, name, role } = c.get('key');
      if (c.req.header('authorization') === undefined)
        throw new AppError('permission_denied', 'A session is made with a key, not with another session.');
      const token = randomBytes(TOKEN_BYTES).toString('base64url');
      const session = { token_sha256: secretHash(token), api_key_id: id, lasts_s: SESSION_S };
      const { expires_at } = await insertSession(db, session);
      setCookie(c, SESSION_COOKIE, token, { ...cookie(), maxAge: SESSION_S });
      return c.json({ name, role, expires_at }, 201);
    })
    .openapi(readRoute, (c) => {
      const { name, role } = c.get('key');
      return c.json({ name, role }, 200);
    })
    .openapi(endRoute, async (c) => {
      const token = getCookie(c, SESSION_COOKIE);
      if (token !== undefined) await deleteSession(db, secretHash(token));
      deleteCookie(c, SESSION_COOKIE, cookie());
      return c.body(null, 204);
    });
}
