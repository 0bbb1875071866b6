import { createRoute, z } from '@hono/zod-openapi';
import { search } from '../../db/read/search.ts';
import { readStatistics } from '../../db/read/statistics.ts';
import { SearchKind } from '../../schemas/search.ts';
import { searchCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { EpisodeQuery, SearchText, toFilter } from '../episode-query.ts';
import { pageOf, SearchHitResource, StatisticsResource } from '../resources.ts';
import { createRoutes, json, Limit, PAGE_LIMIT_DEFAULT, problems, security, toPage } from '../route-parts.ts';

const searchRoute = createRoute({
  method: 'get',
  path: '/v1/search',
  operationId: 'search',
  summary:
    'Find where every word of `q` begins a word: in tasks, then in steps, then in log lines that warn or err, newest first in each',
  tags: ['search'],
  security,
  request: {
    query: z.strictObject({
      q: SearchText,
      kind: SearchKind.optional(),
      cursor: searchCursor.schema.optional(),
      limit: Limit.optional(),
    }),
  },
  responses: { 200: json('A page of places', pageOf(SearchHitResource)), ...problems() },
});

const statisticsRoute = createRoute({
  method: 'get',
  path: '/v1/statistics',
  operationId: 'getStatistics',
  summary: 'Count the episodes that match by status and outcome, with success rate, steps, cost and duration',
  tags: ['search'],
  security,
  request: { query: EpisodeQuery },
  responses: { 200: json('What became of them', StatisticsResource), ...problems() },
});

/** Looking through all episodes at once. */
export function createSearchRoutes({ db }: Pick<ApiDeps, 'db'>) {
  return createRoutes()
    .openapi(searchRoute, async (c) => {
      const { q, kind, cursor, limit = PAGE_LIMIT_DEFAULT } = c.req.valid('query');
      const found = await search(db, {
        q,
        limit: limit + 1,
        ...(kind && { kind }),
        ...(cursor !== undefined && { after: searchCursor.decode(cursor) }),
      });
      const { items, next_cursor } = toPage(found, limit, ({ kind, id, stream_seq }) =>
        searchCursor.encode({ kind, id, stream_seq: stream_seq ?? 0 }),
      );
      return c.json({ items: items.map(({ id: _, ...hit }) => hit), next_cursor }, 200);
    })
    .openapi(statisticsRoute, async (c) => c.json(await readStatistics(db, toFilter(c.req.valid('query'))), 200));
}
