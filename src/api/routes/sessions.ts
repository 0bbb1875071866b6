import { randomBytes } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { deleteSession, insertSession, insertSignInLink } from '../../db/append/sessions.ts';
import { AppError } from '../../errors.ts';
import { ApiKeyRole } from '../../schemas/api-key.ts';
import { boundedText, Timestamp } from '../../schemas/primitives.ts';
import { secretHash, SESSION_COOKIE, SESSIONS_PATH, SIGN_IN_TOKEN_PREFIX } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { jsonBodyIfAny } from '../json-body.ts';
import { createRoutes, json, problems, security } from '../route-parts.ts';

/** A working day; then people log in again. */
const SESSION_S = 12 * 3_600;
const TOKEN_BYTES = 32;

/** A link is printed when everything starts, and clicked when somebody comes to look. */
const LINK_S = 12 * 3_600;

/** Where the page takes the token from the address, in the part that browsers send to nobody. */
const SIGN_IN_PAGE = '/sign-in#token=';
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

const Caller = z.object({ name: z.string(), role: ApiKeyRole });
/** Who signs in, where several people share a key. */
const NewSession = z.strictObject({ person: boundedText(1, 100).optional() });
const setsCookie = z.object({ 'set-cookie': z.string() });

const makeRoute = createRoute({
  method: 'post',
  path: SESSIONS_PATH,
  operationId: 'startSession',
  summary: 'Log in: the bearer key becomes a cookie that a page cannot read and other sites cannot use',
  tags: ['sessions'],
  security: [{ bearer: [] }],
  middleware: jsonBodyIfAny,
  request: { body: { required: false, content: { 'application/json': { schema: NewSession } } } },
  responses: {
    201: { ...json('Logged in', Caller.extend({ expires_at: Timestamp })), headers: setsCookie },
    ...problems(403, 413, 415),
  },
});

const linkRoute = createRoute({
  method: 'post',
  path: `${SESSIONS_PATH}/links`,
  operationId: 'makeSignInLink',
  summary: 'Make a link that signs one browser in, once; only where the API is for its own machine alone',
  tags: ['sessions'],
  security: [{ bearer: [] }],
  responses: {
    201: json('The link', z.object({ url: z.string(), expires_at: Timestamp })),
    ...problems(403, 409),
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
      const { person = null } = c.req.valid('json');
      const token = randomBytes(TOKEN_BYTES).toString('base64url');
      const session = { token_sha256: secretHash(token), api_key_id: id, person, lasts_s: SESSION_S };
      const { expires_at } = await insertSession(db, session);
      setCookie(c, SESSION_COOKIE, token, { ...cookie(), maxAge: SESSION_S });
      return c.json({ name: person === null ? name : `${person} (${name})`, role, expires_at }, 201);
    })
    .openapi(linkRoute, async (c) => {
      if (c.req.header('authorization') === undefined)
        throw new AppError('permission_denied', 'A link is made with a key, not with a session.');
      if (!LOOPBACK.test(new URL(links.api_url).hostname))
        throw new AppError('failed_precondition', 'This API serves more than its own machine: sign in with a key.');
      const token = SIGN_IN_TOKEN_PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
      const link = { token_sha256: secretHash(token), api_key_id: c.get('key').id, lasts_s: LINK_S };
      const { expires_at } = await insertSignInLink(db, link);
      return c.json({ url: `${links.api_url}${SIGN_IN_PAGE}${token}`, expires_at }, 201);
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
