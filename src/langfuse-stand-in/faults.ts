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
] as const;

const Target = z.enum(['otlp', 'ingestion', 'scores', 'reads', 'health']);

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

const FAULTS_MAX = 100;
/** What `POST /faults` takes: it replaces the plan before. The same seed draws the same lots. */
export const FaultPlan = z.strictObject({
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0),
  faults: z.array(Fault).max(FAULTS_MAX),
});
export type FaultPlan = z.infer<typeof FaultPlan>;

/** What becomes of what a request brings. */
export type Fate = { stored: boolean; delay_ms: number };
/** The collector's Hono environment. */
export type CollectorEnv = { Bindings: Partial<HttpBindings>; Variables: { fate: Fate } };

/** The faults of a collector: the routes that set and tell them, and the middleware that makes them. */
export function createFaults() {
  let plan: { seed: number; random: () => number; faults: (Fault & { made: number })[] } = planOf({
    seed: 0,
    faults: [],
  });
  const told = () => ({ seed: plan.seed, faults: plan.faults });
  const routes = new Hono()
    .get('/faults', (c) => c.json(told()))
    .delete('/faults', (c) => {
      plan = planOf({ seed: 0, faults: [] });
      return c.json(told());
    })
    .post('/faults', async (c) => {
      const parsed = FaultPlan.safeParse(await c.req.json());
      if (!parsed.success) return c.json({ message: z.prettifyError(parsed.error) }, 400);
      plan = planOf(parsed.data);
      return c.json(told());
    });

  const middleware: MiddlewareHandler<CollectorEnv> = async (c, next) => {
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
  if (method === 'GET') return path.startsWith('/api/public/') ? 'reads' : undefined;
  if (path === '/api/public/otel/v1/traces') return 'otlp';
  if (path === '/api/public/ingestion') return 'ingestion';
  return path === '/api/public/scores' ? 'scores' : undefined;
}

function planOf({ seed, faults }: FaultPlan) {
  return { seed, random: randomOf(seed), faults: faults.map((fault) => ({ ...fault, made: 0 })) };
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
