import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { commaList, decodeCursor, encodeCursor, jsonBody, keep, parsed, PROJECT_ID } from '../deps.ts';
import type { CollectorDeps } from '../deps.ts';
import type { CollectorEnv } from '../faults.ts';
import { SCORE_GROUPS, ScoreRequest, scoreOf, scoreV2, scoreV3 } from '../score.ts';

const SCORE_BYTES_MAX = 1024 ** 2;
const LIMIT_MAX = 100;
const LIMIT_DEFAULT = 50;
/** The older read counts all scores that match; it stops here. */
const V2_SCORES_MAX = 20_000;

const limit = z.coerce.number().int().min(1).max(LIMIT_MAX).default(LIMIT_DEFAULT);
/** What scores may be asked for by, each a list. */
const FILTERS = {
  id: commaList.optional(),
  name: commaList.optional(),
  source: commaList.optional(),
  dataType: commaList.optional(),
  environment: commaList.optional(),
  traceId: commaList.optional(),
  observationId: commaList.optional(),
  sessionId: commaList.optional(),
};
const V3Query = z.object({
  ...FILTERS,
  limit,
  cursor: z.string().optional(),
  fields: commaList.pipe(z.array(z.enum(SCORE_GROUPS))).optional(),
});
const V2Query = z.object({ ...FILTERS, limit, page: z.coerce.number().int().min(1).default(1) });
const Place = z.object({ row: z.int().min(1) });

/** Scores: written alike everywhere; read by `/v3/scores` of v4, or by `/scores` and `/v2/scores` of the servers before. */
export function createScoreRoutes(deps: CollectorDeps): Hono<CollectorEnv> {
  const { store, now } = deps;
  const routes = new Hono<CollectorEnv>();

  routes.post('/api/public/scores', bodyLimit({ maxSize: SCORE_BYTES_MAX }), async (c) => {
    const body = await jsonBody(c);
    if (Array.isArray(body))
      throw new AppError(
        'invalid_argument',
        'One score is taken at a time: send each as an object, not a list of them.',
      );
    const score = scoreOf(parsed(ScoreRequest, body), now().toISOString());
    await keep(c, deps, { scores: [score] });
    return c.json({ id: score.id });
  });

  if (deps.mode !== 'legacy')
    routes.get('/api/public/v3/scores', async (c) => {
      const { limit, cursor, fields, ...filters } = parsed(V3Query, c.req.query());
      const before = cursor === undefined ? undefined : decodeCursor(Place, cursor).row;
      const rows = await store.listScores({ members: given(filters), before }, { now: now(), limit: limit + 1 });
      const page = rows.slice(0, limit);
      const last = rows.length > limit ? page.at(-1) : undefined;
      const groups = new Set<string>(fields);
      return c.json({
        data: page.map(({ score }) => scoreV3(score, { project_id: PROJECT_ID, groups })),
        meta: { limit, ...(last !== undefined && { cursor: encodeCursor({ row: last.row }) }) },
      });
    });

  if (deps.mode !== 'events_only')
    routes.on('GET', ['/api/public/scores', '/api/public/v2/scores'], async (c) => {
      const { limit, page, ...filters } = parsed(V2Query, c.req.query());
      const rows = await store.listScores({ members: given(filters) }, { now: now(), limit: V2_SCORES_MAX });
      return c.json({
        data: rows.slice((page - 1) * limit, page * limit).map(({ score }) => scoreV2(score)),
        meta: { page, limit, totalItems: rows.length, totalPages: Math.ceil(rows.length / limit) },
      });
    });

  return routes;
}

function given(filters: Record<string, string[] | undefined>): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(filters).filter((entry): entry is [string, string[]] => entry[1] !== undefined),
  );
}
