import { z } from 'zod';
import { AppError } from '../errors.ts';
import { Observation } from '../schemas/trace.ts';
import type { Connection } from './langfuse-connection.ts';
import type { LangfuseServer } from './langfuse-server.ts';

/** What is not read to its end: Langfuse's own page loads 20,000 observations of a trace. */
const PAGES_MAX = 100;
const PAGE_V2 = 1_000;
const PAGE_V1 = 100;
/** Ids in one address: servers and the proxies before them take some 8 kB of it. */
const IDS_MAX = 100;

/** The observations of traces that began within these times (ISO 8601; the end is not within). */
export type ObservationQuery = { traces: string[]; from?: string; to?: string };

/** Every row of these traces, doubles included. Servers that read by trace only are asked for one after another. */
export async function listObservations(
  { get }: Connection,
  { reads }: LangfuseServer,
  { query: { traces, from, to }, signal }: { query: ObservationQuery; signal: AbortSignal | undefined },
): Promise<Observation[]> {
  const times = new URLSearchParams({ ...(from && { fromStartTime: from }), ...(to && { toStartTime: to }) });
  const all: Observation[] = [];
  if (reads === 'v1') {
    for (const traceId of traces) {
      const query = new URLSearchParams([['traceId', traceId], ...times, ['limit', `${PAGE_V1}`]]);
      const read = (page: number) => get(`/api/public/observations?${query.toString()}&page=${page}`, signal);
      all.push(...(await byPage(Observation, read)));
    }
    return all;
  }
  for (const some of chunksOf(traces)) {
    const one: [string, string][] = some.length === 1 ? [['traceId', some[0] ?? '']] : [['filter', anyOf(some)]];
    const query = new URLSearchParams([...one, ...times, ['fields', 'core'], ['limit', `${PAGE_V2}`]]);
    all.push(
      ...(await byCursor(Observation, (cursor) =>
        get(`/api/public/v2/observations?${query.toString()}${cursor}`, signal),
      )),
    );
  }
  return all;
}

/** Which of the scores, of one trace, are there; undefined where the server has no way to list them. */
export async function listScores(
  { get }: Connection,
  { scores }: LangfuseServer,
  { ids, trace_id, signal }: { ids: string[]; trace_id: string; signal: AbortSignal | undefined },
): Promise<string[] | undefined> {
  try {
    const found: { id: string }[] = [];
    if (scores === 'ingestion') {
      const query = new URLSearchParams({ traceId: trace_id, limit: `${PAGE_V1}` });
      found.push(
        ...(await byPage(Named, (page) => get(`/api/public/v2/scores?${query.toString()}&page=${page}`, signal))),
      );
    } else
      for (const some of chunksOf(ids)) {
        const query = new URLSearchParams({ id: some.join(','), limit: `${IDS_MAX}` });
        found.push(
          ...(await byCursor(Named, (cursor) => get(`/api/public/v3/scores?${query.toString()}${cursor}`, signal))),
        );
      }
    return found.map(({ id }) => id);
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined;
    throw error;
  }
}

const anyOf = (traces: string[]) =>
  JSON.stringify([{ type: 'stringOptions', column: 'traceId', operator: 'any of', value: traces }]);

const chunksOf = (ids: string[]): string[][] =>
  Array.from({ length: Math.ceil(ids.length / IDS_MAX) }, (_, place) =>
    ids.slice(place * IDS_MAX, (place + 1) * IDS_MAX),
  );

const Named = z.object({ id: z.string() });
const CursorMeta = z.object({ meta: z.object({ cursor: z.string().nullish() }).optional() });
const PageMeta = z.object({ meta: z.object({ totalPages: z.number() }) });

async function byCursor<T>(item: z.ZodType<T>, get: (cursor: string) => Promise<unknown>): Promise<T[]> {
  const all: T[] = [];
  let cursor = '';
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await get(cursor);
    all.push(...z.object({ data: z.array(item) }).parse(answer).data);
    const next = CursorMeta.parse(answer).meta?.cursor;
    if (!next) return all;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
  throw tooLong();
}

async function byPage<T>(item: z.ZodType<T>, get: (page: number) => Promise<unknown>): Promise<T[]> {
  const all: T[] = [];
  for (let page = 1; page <= PAGES_MAX; page += 1) {
    const answer = await get(page);
    all.push(...z.object({ data: z.array(item) }).parse(answer).data);
    if (page >= PageMeta.parse(answer).meta.totalPages) return all;
  }
  throw tooLong();
}

const tooLong = () => new AppError('resource_exhausted', `more than ${PAGES_MAX} pages are not read at once`);
