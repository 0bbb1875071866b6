import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import type { Context, MiddlewareHandler } from 'hono';
import { z } from 'zod';

/** What a request may be struck by, as the people who run Langfuse have seen it happen. */
const FAULT_KINDS = [
  'error_500',
  'bad_gateway_html',
  'unavailable_503',
  'rate_limited_429',
  'hang',
  'reset_before_storing',
  'store_then_reset',
  'drop',
  'delay_visibility',
  'too_large_413',
  'gone_404',
] as const;

const Target = z.enum(['otlp', 'ingestion', 'scores', 'reads', 'health', 'deletion']);

/** One fault: which requests it may strike, how many of them, and how likely each. */
export const Fault = z.strictObject({
  kind: z.enum(FAULT_KINDS),
  /** The requests it is for; by default those that bring spans and events. */
  on: z.array(Target).min(1).default(['otlp', 'ingestion']),
  /** So many requests; without it all. */
  count: z.int().min(1).max(1_000_000).optional(),
  probability: z.number().min(0).max(1).default(1),
  /** For rate_limited_429. */
  retry_after_s: z.int().min(0).max(3_600).default(1),
  /** For delay_visibility. */
  delay_ms: z.int().min(0).max(86_400_000).default(60_000),
  /** For too_large_413: bodies of more bytes are refused. */
  bytes: z.int().min(0).max(1_000_000_000).default(0),
});
export type Fault = z.infer<typeof Fault>;

/** A limit as Langfuse Cloud's plans have it: so many requests in a window, of which the last is refused already. */
const RateLimit = z.strictObject({
  /** What is counted together: everything that is asked of the general API, scores that are posted included; or deletions. */
  on: z.enum(['api', 'deletion']),
  points: z.int().min(1).max(1_000_000),
  window_s: z.int().min(1).max(86_400).default(60),
});
type RateLimit = z.infer<typeof RateLimit>;

const FAULTS_MAX = 100;
/** What `POST /faults` takes: it replaces the plan before. The same seed draws the same lots. */
export const FaultPlan = z.strictObject({
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0),
  faults: z.array(Fault).max(FAULTS_MAX),
  limits: z.array(RateLimit).max(FAULTS_MAX).default([]),
});
export type FaultPlan = z.infer<typeof FaultPlan>;

/** What becomes of what a request brings. */
export type Fate = { stored: boolean; delay_ms: number };
/** The collector's Hono environment. */
export type CollectorEnv = { Bindings: Partial<HttpBindings>; Variables: { fate: Fate } };

/** The faults of a collector: the routes that set and tell them, and the middleware that makes them. */
export function createFaults(now: () => Date) {
  let plan = planOf({ seed: 0, faults: [], limits: [] });
  const told = () => ({
    seed: plan.seed,
    faults: plan.faults,
    limits: plan.limits.map(({ on, served, refused }) => ({ on, served, refused })),
  });
  const routes = new Hono()
    .get('/faults', (c) => c.json(told()))
    .delete('/faults', (c) => {
      plan = planOf({ seed: 0, faults: [], limits: [] });
      return c.json(told());
    })
    .post('/faults', async (c) => {
      const parsed = FaultPlan.safeParse(await c.req.json());
      if (!parsed.success) return c.json({ message: z.prettifyError(parsed.error) }, 400);
      plan = planOf(parsed.data);
      return c.json(told());
    });

  const middleware: MiddlewareHandler<CollectorEnv> = async (c, next) => {
    const limited = refuse(plan.limits, c, now().getTime());
    if (limited) return limited;
    const target = targetOf(c.req.method, c.req.path);
    const bytes = target === undefined || c.req.method === 'GET' ? 0 : (await c.req.arrayBuffer()).byteLength;
    const fault = plan.faults.find(
      ({ kind, on, count, probability, made, bytes: bytes_max }) =>
        target !== undefined &&
        on.includes(target) &&
        (count === undefined || made < count) &&
        (kind !== 'too_large_413' || bytes > bytes_max) &&
        (probability === 1 || plan.random() < probability),
    );
    if (fault === undefined) return next();
    fault.made += 1;
    return strike(fault, c, next);
  };
  return { routes, middleware };
}

async function strike(
  fault: Fault,
  c: Context<CollectorEnv>,
  next: () => Promise<void>,
): Promise<Response | undefined> {
  switch (fault.kind) {
    case 'error_500':
      return c.json({ message: 'Internal Server Error', error: 'InternalServerError' }, 500);
    case 'bad_gateway_html':
      return c.html('<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>', 502);
    case 'unavailable_503':
      return c.json({ message: 'Service Unavailable' }, 503);
    case 'rate_limited_429':
      return c.json({ message: 'Rate limit exceeded' }, 429, { 'retry-after': String(fault.retry_after_s) });
    case 'too_large_413':
      return c.json({ message: `Body exceeds ${fault.bytes} bytes` }, 413);
    case 'gone_404':
      return c.json({ message: 'Not found', error: 'LangfuseNotFoundError' }, 404);
    case 'hang':
      await gone(c);
      return RESPONSE_ALREADY_SENT;
    case 'reset_before_storing':
      return reset(c);
    case 'store_then_reset':
      await next();
      // Assigned, not returned: the route has answered already, and that answer must not leave.
      c.res = reset(c);
      return undefined;
    case 'drop':
      c.set('fate', { stored: false, delay_ms: 0 });
      break;
    case 'delay_visibility':
      c.set('fate', { stored: true, delay_ms: fault.delay_ms });
      break;
  }
  await next();
  return undefined;
}

/** Ends the connection with a TCP reset, without an answer. */
function reset(c: Context<CollectorEnv>): Response {
  c.env.incoming?.socket.resetAndDestroy();
  return RESPONSE_ALREADY_SENT;
}

/** Resolves when the client, or the server's end, has closed the connection. */
async function gone(c: Context<CollectorEnv>): Promise<void> {
  const socket = c.env.incoming?.socket;
  if (socket === undefined || socket.destroyed) return;
  await new Promise((resolve) => socket.once('close', resolve));
}

function targetOf(method: string, path: string): z.infer<typeof Target> | undefined {
  if (path === '/api/public/health') return 'health';
  if (method === 'DELETE') return 'deletion';
  if (method === 'GET') return path.startsWith('/api/public/') ? 'reads' : undefined;
  if (path === '/api/public/otel/v1/traces') return 'otlp';
  if (path === '/api/public/ingestion') return 'ingestion';
  return path === '/api/public/scores' ? 'scores' : undefined;
}

function planOf({ seed, faults, limits }: FaultPlan) {
  return {
    seed,
    random: randomOf(seed),
    faults: faults.map((fault) => ({ ...fault, made: 0 })),
    limits: limits.map((limit): Counted => ({ ...limit, began_ms: -Infinity, used: 0, served: 0, refused: 0 })),
  };
}

type Counted = RateLimit & { began_ms: number; used: number; served: number; refused: number };

/** The answer to a request that is beyond its limit; undefined for one that is within, which then counts. */
function refuse(limits: Counted[], c: Context<CollectorEnv>, now_ms: number): Response | undefined {
  const kind = countedAs(c.req.method, c.req.path);
  for (const limit of limits.filter(({ on }) => on === kind)) {
    const window_ms = limit.window_s * 1000;
    if (now_ms - limit.began_ms >= window_ms) Object.assign(limit, { began_ms: now_ms, used: 0 });
    limit.used += 1;
    if (limit.used < limit.points) {
      limit.served += 1;
      continue;
    }
    limit.refused += 1;
    const left_ms = limit.began_ms + window_ms - now_ms;
    return c.json({ message: 'Rate limit exceeded', error: 'LangfuseRateLimitError' }, 429, {
      'retry-after': String(Math.ceil(left_ms / 1000)),
      'x-ratelimit-limit': String(limit.points),
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': new Date(now_ms + left_ms).toString(),
    });
  }
  return undefined;
}

/** Health and projects are never counted, and what brings spans and media has limits of its own. */
function countedAs(method: string, path: string): RateLimit['on'] | undefined {
  if (method === 'DELETE') return 'deletion';
  if (path === '/api/public/scores') return 'api';
  return method === 'GET' && /^\/api\/public\/(?!health|projects|media)/.test(path) ? 'api' : undefined;
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
