import { createRoute, z } from '@hono/zod-openapi';
import { getEpisode } from '../../db/read/episodes.ts';
import { LINE_BEGINNING, readAlongLine } from '../../db/read/line.ts';
import { listLogs } from '../../db/read/logs.ts';
import { hasEnded } from '../../schemas/episode.ts';
import { LogLevel, LogStream } from '../../schemas/log.ts';
import { boundedText } from '../../schemas/primitives.ts';
import { logCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { LogLineResource, pageOf } from '../resources.ts';
import {
  createRoutes,
  EpisodePath,
  json,
  Limit,
  PAGE_LIMIT_DEFAULT,
  problems,
  security,
  Seq,
  toPage,
} from '../route-parts.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/logs',
  operationId: 'listLogs',
  summary:
    'List log lines in the order in which they were stored, with `q` those that hold this text in any case; until the episode has ended there is always a next cursor',
  tags: ['logs'],
  security,
  request: {
    params: EpisodePath,
    query: z.strictObject({
      seq: Seq.optional(),
      stream: LogStream.optional(),
      level: LogLevel.optional(),
      q: boundedText(1, 200).optional(),
      cursor: logCursor.schema.optional(),
      limit: Limit.optional(),
    }),
  },
  responses: { 200: json('A page of log lines', pageOf(LogLineResource)), ...problems(404) },
});

/** Reading execution logs; following them is asking again with the last cursor. */
export function createLogRoutes({ db }: Pick<ApiDeps, 'db'>) {
  return createRoutes().openapi(listRoute, async (c) => {
    // Read before the lines: what is stored between the two reads must not be taken for the end.
    const episode = await getEpisode(db, c.req.valid('param').id);
    const ended = hasEnded(episode.status);
    const { cursor, limit = PAGE_LIMIT_DEFAULT, seq, stream, level, q } = c.req.valid('query');
    const after = cursor === undefined ? LINE_BEGINNING : logCursor.decode(cursor);
    const filter = {
      ...(seq !== undefined && { seq }),
      ...(stream && { stream }),
      ...(level && { level }),
      ...(q !== undefined && { q }),
    };
    const asked = { episode_id: episode.id, after, limit: limit + 1 };
    const rows = await readAlongLine(db, asked, (part) => listLogs(db, { ...part, ...filter }));
    const page = toPage(rows, limit, logCursor.encode);
    // Where all that there is was sent, what comes next is the episode's own.
    const own = { parent: null, stream_seq: after.parent === null ? after.stream_seq : 0 };
    const reached = page.items.findLast(({ parent }) => parent === null) ?? own;
    const next_cursor = page.next_cursor ?? (ended ? null : logCursor.encode(reached));
    return c.json({ items: page.items.map(({ parent: _, ...line }) => line), next_cursor }, 200);
  });
}
