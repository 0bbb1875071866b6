import { Hono } from 'hono';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { commaList, decodeCursor, encodeCursor, parsed, PROJECT_ID } from '../deps.ts';
import type { CollectorDeps } from '../deps.ts';
import type { CollectorEnv } from '../faults.ts';
import { mergedObservations } from '../merged.ts';
import { observationOf } from '../observation.ts';
import type { Observation } from '../observation.ts';
import { FIELD_GROUPS, observationV1, observationV2 } from '../observation-views.ts';
import type { ObservationFilter } from '../store.ts';

const V2_LIMIT_MAX = 1_000;
const V1_LIMIT_MAX = 100;
const LIMIT_DEFAULT = 50;
/** A read of the older kind merges all that it is asked for; more rows than this it refuses. */
const V1_ROWS_MAX = 20_000;
/** Rows of one key (minute of start, trace, observation, start time) are one row so long after the last came; there: at some time. */
const MERGED_MS = 60_000;

const Filters = z.object({
  traceId: z.string().optional(),
  name: z.string().optional(),
  userId: z.string().optional(),
  sessionId: z.string().optional(),
  type: z.string().optional(),
  level: z.string().optional(),
  version: z.string().optional(),
  parentObservationId: z.string().optional(),
  fromStartTime: z.coerce.date().optional(),
  toStartTime: z.coerce.date().optional(),
});

/** Of the server's filter conditions those that name several traces, or several observations. */
const Condition = z.object({
  type: z.literal('stringOptions', 'this stand-in takes conditions of type stringOptions only'),
  column: z.enum(['traceId', 'id']),
  operator: z.literal('any of'),
  value: z.array(z.string()).min(1),
});
const Conditions = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'filter is not JSON' });
      return z.NEVER;
    }
  })
  .pipe(z.array(Condition));

const V2Query = Filters.extend({
  fields: commaList.optional(),
  expandMetadata: commaList.optional(),
  limit: z.coerce.number().int().min(1).max(V2_LIMIT_MAX).default(LIMIT_DEFAULT),
  cursor: z.string().optional(),
  filter: Conditions.optional(),
  parseIoAsJson: z.literal('false', 'input and output are always texts').optional(),
});

const V1Query = Filters.extend({
  page: z.coerce.number().int().min(1).default(1),
  limit: z.coerce.number().int().min(1).max(V1_LIMIT_MAX).default(LIMIT_DEFAULT),
});

const Place = z.object({ start_time: z.iso.datetime(), row: z.int().min(1) });

/** Reads of observations: v4's raw rows in `events_only`, the older merged ones in `legacy`; the other kind answers 404. */
export function createObservationRoutes(deps: CollectorDeps): Hono<CollectorEnv> {
  const { store, now } = deps;
  const routes = new Hono<CollectorEnv>();

  if (deps.mode !== 'legacy')
    routes.get('/api/public/v2/observations', async (c) => {
      const query = parsed(V2Query, c.req.query());
      const before = query.cursor === undefined ? undefined : decodeCursor(Place, query.cursor);
      const among = (column: string) => query.filter?.find((condition) => condition.column === column)?.value;
      const filter = {
        ...filterOf(query, c.req.queries('environment') ?? []),
        before,
        trace_ids: among('traceId'),
        ids: among('id'),
      };
      // Set to write the older store, the server has the newer one, and nothing in it.
      const rows =
        deps.mode === 'v4_legacy'
          ? []
          : await store.listObservations(filter, { now: now(), limit: query.limit + 1, merged_ms: MERGED_MS });
      const page = rows.slice(0, query.limit);
      const last = rows.length > query.limit ? page.at(-1) : undefined;
      const asked = query.fields ?? ['core', 'basic'];
      const options = {
        project_id: PROJECT_ID,
        groups: new Set(FIELD_GROUPS.filter((group) => asked.includes(group))),
        whole_metadata: new Set(query.expandMetadata),
      };
      return c.json({
        data: page.map(({ body, start_time, received_at }) =>
          observationV2(observationOf([body], start_time), { ...options, received_at }),
        ),
        meta: last === undefined ? {} : { cursor: encodeCursor({ start_time: last.start_time, row: last.row }) },
      });
    });

  if (deps.mode !== 'events_only')
    routes.get('/api/public/observations', async (c) => {
      const query = parsed(V1Query, c.req.query());
      const { page, limit } = query;
      const { members = {}, ...filter } = filterOf(query, c.req.queries('environment') ?? []);
      const rows = await store.listObservations(filter, { now: now(), limit: V1_ROWS_MAX + 1 });
      if (rows.length > V1_ROWS_MAX)
        throw new AppError('invalid_argument', `More than ${V1_ROWS_MAX} rows: ask for one trace.`);
      const seen = mergedObservations(rows).filter((observation) => matches(observation, members));
      return c.json({
        data: seen.slice((page - 1) * limit, page * limit).map(observationV1),
        meta: { page, limit, totalItems: seen.length, totalPages: Math.ceil(seen.length / limit) },
      });
    });

  return routes;
}

function filterOf(query: z.infer<typeof Filters>, environments: string[]): ObservationFilter {
  const { name, userId, sessionId, type, level, version, parentObservationId } = query;
  const members: Record<string, (string | null)[]> = {};
  for (const [member, value] of Object.entries({ name, userId, sessionId, type, level, version }))
    if (value !== undefined) members[member] = [value];
  // Asked for with an empty value, it means: those without a parent.
  if (parentObservationId !== undefined) members['parentObservationId'] = [parentObservationId || null];
  if (environments.length > 0) members['environment'] = environments;
  return {
    trace_id: query.traceId,
    from: query.fromStartTime?.toISOString(),
    to: query.toStartTime?.toISOString(),
    members,
  };
}

function matches(observation: Observation, members: NonNullable<ObservationFilter['members']>): boolean {
  const known: Record<string, unknown> = observation;
  return Object.entries(members).every(([member, wanted]) => wanted.some((value) => value === known[member]));
}
