import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { KnownKey } from '../db/read/api-keys.ts';
import { Uuid } from '../schemas/primitives.ts';
import { refuseInvalid } from './invalid-request.ts';
import { ProblemDocument } from './resources.ts';

// What routes are declared with.

/** What a request under /v1 carries once it has passed: its API key, and that key's name. */
export type ApiEnv = { Variables: { key: KnownKey; author: string } };

/** An app whose requests are held against their schemas, and refused as problems. */
export const createRoutes = () => new OpenAPIHono<ApiEnv>({ defaultHook: refuseInvalid });

/** Every route under /v1 needs a key, or a session that was made with one. */
export const security: Record<string, string[]>[] = [{ bearer: [] }, { session: [] }];

const PROBLEMS = {
  400: 'The request does not match its schema',
  401: 'No key, or one that is not known',
  403: 'The key may only read',
  404: 'There is no such thing',
  409: 'Not in the present state, or it exists and differs',
  413: 'The body is too large',
  415: 'The media type is not taken here',
  416: 'The range lies outside the content',
  422: 'Some of it is not valid',
  429: 'This key asks too often: try again after Retry-After',
  500: 'A mistake of ours',
  503: 'A dependency is away: try again later',
  504: 'A dependency did not answer in time',
} as const;
type ProblemStatus = keyof typeof PROBLEMS;
type ProblemAnswer = {
  description: string;
  content: { 'application/problem+json': { schema: typeof ProblemDocument } };
};

/** What every authenticated route can answer. */
const EVERYWHERE = [400, 401, 429, 500, 503, 504] as const;

/** The problems that an authenticated route declares: what every one can answer, and the given ones. */
export function problems<S extends ProblemStatus = never>(
  ...statuses: S[]
): Record<S | (typeof EVERYWHERE)[number], ProblemAnswer> {
  const all = [...EVERYWHERE, ...statuses].map((status) => [status, problemAnswer(PROBLEMS[status])]);
  return Object.fromEntries(all) as ReturnType<typeof problems<S>>;
}

const problemAnswer = (description: string): ProblemAnswer => ({
  description,
  content: { 'application/problem+json': { schema: ProblemDocument } },
});

/** An answer of JSON. */
export const json = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
});

/** Entries of one page, in a query: 1 to 100, 20 when not given. Written in decimal digits and nothing else. */
export const PAGE_LIMIT_DEFAULT = 20;
export const PAGE_LIMIT_MAX = 100;
export const Limit = queryInteger({ min: 1, max: PAGE_LIMIT_MAX, default: PAGE_LIMIT_DEFAULT });

/** The number of a step as a query or path writes it. */
export const Seq = queryInteger({ min: 1, max: 2_147_483_647 });

/** A place of a line in a query: after this step, 0 being before the first. */
export const Place = queryInteger({ min: 0, max: 2_147_483_647 });

/** The header under which a request that is sent again is done once. */
export const IdempotencyKey = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[A-Za-z0-9._~-]{1,128}$/)
    .optional(),
});

/** Of an answer to such a request: it was done before, and this is what came of it then. */
export const REPLAYED = { 'idempotent-replayed': 'true' } as const;
export const ReplayedHeader = z.object({ 'idempotent-replayed': z.literal('true').optional() });

/** A path that names an episode. */
export const EpisodePath = z.object({ id: Uuid });

/** An integer in a query or path. `z.coerce` would take '', ' 1' and '0x10', which the published schema does not. */
export function queryInteger(bounds: { min: number; max: number; default?: number }) {
  return z
    .string()
    .regex(/^(?:0|[1-9]\d{0,9})$/, 'must be an integer')
    .transform(Number)
    .pipe(z.number().int().min(bounds.min).max(bounds.max))
    .openapi({
      type: 'integer',
      minimum: bounds.min,
      maximum: bounds.max,
      ...(bounds.default !== undefined && { default: bounds.default }),
    });
}

/** The first `limit` of the rows, of which one more than that was asked for, and the cursor for the rest. */
export function toPage<T>(rows: T[], limit: number, cursorOf: (last: T) => string) {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next_cursor: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}

/** The links to the artifact whose hash is there in the answer. */
export const artifactLinks = (pointer: string) => {
  const parameters = { sha256: `$response.body#${pointer}` };
  return {
    getArtifact: { operationId: 'getArtifact', parameters },
    getArtifactContent: { operationId: 'getArtifactContent', parameters },
  };
};
