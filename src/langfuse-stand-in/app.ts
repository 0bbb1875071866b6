import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import type { MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { AppError } from '../errors.ts';
import { PROJECT_ID } from './deps.ts';
import type { CollectorDeps, CollectorKeys } from './deps.ts';
import { createFaults } from './faults.ts';
import type { CollectorEnv } from './faults.ts';
import { createIngestionRoutes } from './routes/ingestion.ts';
import { createMediaRoutes } from './routes/media.ts';
import { createObservationRoutes } from './routes/observations.ts';
import { createPageRoutes } from './routes/pages.ts';
import { createScoreRoutes } from './routes/scores.ts';

/** What is told as the server's version: its first digit is what clients tell the lines apart by. */
const VERSIONS = { events_only: '4.16.0', legacy: '3.140.0', v4_legacy: '4.16.0' } as const;

/** Pages hold what agents wrote: nothing in them may run or load anything. */
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/** Pages need no key, so only a browser that asks for this machine by name or address may have them. */
const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/;

/**
 * A small server that speaks the part of Langfuse's public API which tracing needs, for machines without Langfuse and for
 * tests. It is not Langfuse: no queue, no evaluation, no user interface but plain pages. `faults` adds `/faults`, by
 * which tests tell it how to fail.
 */
export function createCollector(options: CollectorDeps & { faults?: boolean }): Hono<CollectorEnv> {
  const { keys, mode } = options;
  const app = new Hono<CollectorEnv>();
  app.onError((thrown, c) => {
    if (thrown instanceof HTTPException) return c.json({ message: thrown.message || 'Refused' }, thrown.status);
    const error = AppError.from(thrown);
    const worded = error === thrown && error.httpStatus < 500;
    return c.json(
      { message: worded ? error.message : 'Internal Server Error', error: error.code },
      error.httpStatus as ContentfulStatusCode,
    );
  });
  app.notFound((c) => c.json({ message: 'Not found', error: 'LangfuseNotFoundError' }, 404));
  app.use(async (c, next) => {
    c.set('fate', { stored: true, delay_ms: 0 });
    await next();
  });
  if (options.faults) {
    const faults = createFaults(options.now);
    app.route('/', faults.routes);
    app.use(faults.middleware);
  }

  app.get('/api/public/health', (c) => c.json({ status: 'OK', version: VERSIONS[mode] }));
  app.use('/api/public/*', requireKeys(keys));
  app.get('/api/public/projects', (c) =>
    c.json({
      data: [
        { id: PROJECT_ID, name: 'Observatory', organization: { id: PROJECT_ID, name: 'Observatory' }, metadata: {} },
      ],
    }),
  );
  app.route('/', createIngestionRoutes(options));
  app.route('/', createObservationRoutes(options));
  app.route('/', createScoreRoutes(options));
  app.route('/', createMediaRoutes(options));

  app.use(async (c, next) => {
    if (!LOOPBACK.test(c.req.header('host') ?? ''))
      throw new AppError('permission_denied', 'Ask for this by 127.0.0.1.');
    await next();
    c.header('content-security-policy', PAGE_POLICY);
    c.header('x-content-type-options', 'nosniff');
    c.header('referrer-policy', 'no-referrer');
  });
  app.route('/', createPageRoutes(options));
  return app;
}

function requireKeys(keys: CollectorKeys): MiddlewareHandler {
  const expected = sha256(`Basic ${Buffer.from(`${keys.public_key}:${keys.secret_key}`).toString('base64')}`);
  return async (c, next) => {
    // Hashes are of one length, as the comparison needs.
    if (timingSafeEqual(expected, sha256(c.req.header('authorization') ?? ''))) return next();
    return c.json(
      { message: 'Invalid credentials. Confirm the public and secret key.', error: 'UnauthorizedError' },
      401,
      {
        'www-authenticate': 'Basic realm="langfuse"',
      },
    );
  };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest();
