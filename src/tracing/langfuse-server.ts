import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Connection } from './langfuse-connection.ts';

/**
 * How a server is to be spoken to. Traces: OTLP, or the older ingestion API. Observations: `v2` shows every row that was
 * stored, `v1` one for each id. Scores: one by one to their own endpoint and read by id, or by ingestion and read by trace.
 */
export type LangfuseServer = {
  version: string;
  traces: 'otlp' | 'ingestion';
  reads: 'v2' | 'v1';
  scores: 'endpoint' | 'ingestion';
};

/** A v4 server that still writes both stores shows a span in the newer one at most so much later. */
const LAG_MS_MAX = 15 * 60_000;
/** How a server is set does not change often, and asking costs requests. */
const KNOWN_MS_MAX = 5 * 60_000;

/**
 * Makes the function that says what the server serves. A version tells the older lines apart; a v4 server may be set to keep
 * writing the older store, and then answers reads of the newer one with nothing: which it writes shows in what it has. That
 * is asked for again after a while, or of another version; while it cannot be asked the version is believed. The function
 * throws as reads do when the server does not say how it is.
 */
export function createDetector(connection: Connection) {
  let known: { version: string; reads: LangfuseServer['reads']; until_ms: number } | undefined;
  return async (signal?: AbortSignal): Promise<LangfuseServer> => {
    const { version } = Health.parse(await connection.getFree('/api/public/health', signal));
    const server = serverOf(version);
    if (server.reads === 'v1') return server;
    if (known?.version !== version || known.until_ms < performance.now())
      try {
        const { reads, certain } = await readsOf(connection, signal);
        known = { version, reads, until_ms: certain ? performance.now() + KNOWN_MS_MAX : 0 };
      } catch {
        // The reads that this is for will say what is wrong, and to whom.
      }
    return known?.version === version ? { ...server, reads: known.reads } : server;
  };
}

/** What the version alone says. OTLP came with 3.22; what is older takes traces by ingestion alone. */
export function serverOf(version: string): LangfuseServer {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const otlp = major >= 4 || (major === 3 && minor >= 22);
  return {
    version,
    traces: otlp ? 'otlp' : 'ingestion',
    reads: major >= 4 ? 'v2' : 'v1',
    scores: major >= 4 ? 'endpoint' : 'ingestion',
  };
}

/** Which reads show what is written; not `certain` where nothing shows it yet. */
async function readsOf(
  connection: Connection,
  signal?: AbortSignal,
): Promise<{ reads: LangfuseServer['reads']; certain: boolean }> {
  const newest = async (path: string) => {
    try {
      const { data } = Newest.parse(await connection.get(path, signal));
      return { served: true, at_ms: data[0] === undefined ? 0 : Date.parse(data[0].startTime) };
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return { served: false, at_ms: 0 };
      throw error;
    }
  };
  const older = await newest('/api/public/observations?limit=1');
  if (!older.served) return { reads: 'v2', certain: true };
  const newer = await newest('/api/public/v2/observations?limit=1&fields=core');
  if (!newer.served) return { reads: 'v1', certain: true };
  const certain = newer.at_ms + older.at_ms > 0;
  return { reads: newer.at_ms >= older.at_ms - LAG_MS_MAX ? 'v2' : 'v1', certain };
}

const Health = z.object({ version: z.string() });
const Newest = z.object({ data: z.array(z.object({ startTime: z.string() })) });
