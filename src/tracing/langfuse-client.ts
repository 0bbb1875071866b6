import { Langfuse } from 'langfuse';
import type { ApiIngestionEvent } from 'langfuse';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { Observation, OtlpSpan, Score } from '../schemas/trace.ts';
import type { SendOutcome } from './delivery-state.ts';
import { ingestionEvents, scoreEvent } from './ingestion.ts';
import { createMediaClient } from './media.ts';
import type { MediaClient } from './media.ts';
import { outcomeOfError, outcomeOfStatus } from './langfuse-http.ts';

/** A trace of more observations than this is not read to its end: Langfuse's own page loads 20,000. */
const PAGES_MAX = 100;
const PAGE_V2 = 1_000;
const PAGE_V1 = 100;

/** What a server can do, from its version. `v2` are the observations of v4 servers, which return every row that was stored. */
export type LangfuseServer = { version: string; traces: 'otlp' | 'ingestion'; reads: 'v2' | 'v1' };

/** An item as it is sent: its id and its frozen bytes. */
export type SendItem = { span_id: string; payload: string };

/** How a batch fared, and those items that fared otherwise. */
export type SendReport = { outcome: SendOutcome; apart: Map<string, SendOutcome> };

export type LangfuseAccess = { base_url: string; public_key: string; secret_key: string; request_ms: number };

/**
 * A Langfuse server. Every call is one request (a page each for reads) without retries, ended after `request_ms`. Sends
 * never throw: what happened is their answer. Reads throw `unavailable`, or `permission_denied` where keys or address are wrong.
 */
export type LangfuseClient = {
  detect(signal?: AbortSignal): Promise<LangfuseServer>;
  sendSpans(server: LangfuseServer, items: SendItem[], signal?: AbortSignal): Promise<SendReport>;
  sendScores(items: SendItem[], signal?: AbortSignal): Promise<SendReport>;
  media: MediaClient;
  /** Every row of the trace, doubles included; those that began at `from` (ISO 8601) or later, where it is given. */
  listObservations(
    server: LangfuseServer,
    trace: { id: string; from?: string },
    signal?: AbortSignal,
  ): Promise<Observation[]>;
  /** Asks for the deletion of a trace and of what belongs to it; the server does so in its own time. */
  deleteTrace(traceId: string, signal?: AbortSignal): Promise<void>;
  /** The ids of the trace's scores; undefined where the server has no way to list them. */
  listScores(server: LangfuseServer, traceId: string, signal?: AbortSignal): Promise<string[] | undefined>;
};

/** Opens a client; nothing is asked before the first call. */
export function createLangfuseClient(access: LangfuseAccess): LangfuseClient {
  const connection = connect(access);
  const { get, post, remove } = connection;
  const ingest = createIngestion(access, connection);
  return {
    media: createMediaClient(access),
    detect: async (signal) => serverOf(Health.parse(await get('/api/public/health', signal)).version),
    sendSpans: (server, items, signal) =>
      server.traces === 'otlp'
        ? post('/api/public/otel/v1/traces', otlpRequest(items), signal)
        : ingest(ingestionEvents(items.map(({ payload }) => OtlpSpan.parse(JSON.parse(payload)))), signal),
    sendScores: (items, signal) =>
      ingest(
        items.map(({ payload }) => scoreEvent(Score.parse(JSON.parse(payload)))),
        signal,
      ),
    async listObservations(server, { id, from }, signal) {
      const since = from === undefined ? '' : `&fromStartTime=${encodeURIComponent(from)}`;
      const v1 = `/api/public/observations?traceId=${id}&limit=${PAGE_V1}${since}`;
      const v2 = `/api/public/v2/observations?traceId=${id}&fields=core,basic&limit=${PAGE_V2}${since}`;
      if (server.reads === 'v1') return byPage(Observation, (page) => get(`${v1}&page=${page}`, signal));
      return byCursor(Observation, (cursor) => get(`${v2}${cursor}`, signal));
    },
    deleteTrace: async (traceId, signal) => remove(`/api/public/traces/${traceId}`, signal),
    async listScores(server, traceId, signal) {
      const query = `traceId=${traceId}&limit=${PAGE_V1}`;
      try {
        const scores =
          server.reads === 'v2'
            ? await byCursor(Named, (cursor) => get(`/api/public/v3/scores?${query}${cursor}`, signal))
            : await byPage(Named, (page) => get(`/api/public/v2/scores?${query}&page=${page}`, signal));
        return scores.map(({ id }) => id);
      } catch (error) {
        if (error instanceof AppError && error.code === 'not_found') return undefined;
        throw error;
      }
    },
  };
}

type Connection = ReturnType<typeof connect>;

/** Single requests in bounded time. */
function connect({ base_url, public_key, secret_key, request_ms }: LangfuseAccess) {
  const base = base_url.replace(/\/+$/, '');
  const authorization = `Basic ${Buffer.from(`${public_key}:${secret_key}`).toString('base64')}`;
  // Not AbortSignal.timeout: until it fires, long after its request has ended, it holds on to all that was sent.
  const within = async <T>(signal: AbortSignal | undefined, work: (within: AbortSignal) => Promise<T>): Promise<T> => {
    const ending = new AbortController();
    const late = setTimeout(() => ending.abort(new DOMException('no answer in time', 'TimeoutError')), request_ms);
    const stop = () => ending.abort(signal?.reason);
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop);
    try {
      return await work(ending.signal);
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', stop);
    }
  };
  const ask = async (method: 'GET' | 'DELETE', path: string, signal?: AbortSignal): Promise<unknown> => {
    const headers = { authorization, accept: 'application/json' };
    const { response, text } = await within(signal, async (ending) => {
      const answer = await fetch(`${base}${path}`, { method, headers, redirect: 'manual', signal: ending });
      return { response: answer, text: await answer.text() };
    }).catch(away);
    if (response.ok) return parsed(text);
    const where = path.split('?')[0];
    if (response.status === 404) throw new AppError('not_found', `Langfuse has no ${where}`);
    const { kind } = outcomeOfStatus(response.status, text);
    const reason = `Langfuse does not answer ${where}: HTTP ${response.status}`;
    throw new AppError(kind === 'unwelcome' ? 'permission_denied' : 'unavailable', reason);
  };
  return {
    base,
    within,
    get: async (path: string, signal?: AbortSignal) => ask('GET', path, signal),
    remove: async (path: string, signal?: AbortSignal) => void (await ask('DELETE', path, signal)),
    post: async (path: string, body: Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<SendReport> => {
      // Without the version the server shows what it took only minutes later.
      const headers = { authorization, 'content-type': 'application/json', 'x-langfuse-ingestion-version': '4' };
      try {
        const request = { method: 'POST', headers, body, redirect: 'manual' } as const;
        return await within(signal, async (ending) =>
          whole(await outcomeOf(await fetch(`${base}${path}`, { ...request, signal: ending }))),
        );
      } catch (thrown) {
        return whole(outcomeOfError(thrown));
      }
    },
  };
}

/** Sending by the ingestion API, whose answer speaks of each event. */
function createIngestion({ public_key, secret_key }: LangfuseAccess, { base, within }: Connection) {
  // Only its single requests are used: its queue resolves flushes of what it has dropped.
  const { api } = new Langfuse({ publicKey: public_key, secretKey: secret_key, baseUrl: base });
  return async (batch: ApiIngestionEvent[], signal?: AbortSignal): Promise<SendReport> => {
    try {
      const answer = await within(signal, async (ending) =>
        Ingested.parse(await api.ingestionBatch({ batch }, { signal: ending })),
      );
      const spanOf = new Map(batch.map(({ id, body }) => [id, (body as { id?: string }).id ?? '']));
      const apart = answer.errors.map(({ id, status, message, error }): [string, SendOutcome] => [
        spanOf.get(id) ?? '',
        outcomeOfStatus(status, message ?? JSON.stringify(error ?? '')),
      ]);
      return { outcome: { kind: 'accepted' }, apart: new Map(apart) };
    } catch (thrown) {
      return whole(thrown instanceof Response ? await outcomeOf(thrown) : outcomeOfError(thrown));
    }
  };
}

/** OTLP came with 3.22, and with 4 the only way in; what is older takes traces by ingestion alone. */
export function serverOf(version: string): LangfuseServer {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const otlp = major >= 4 || (major === 3 && minor >= 22);
  return { version, traces: otlp ? 'otlp' : 'ingestion', reads: major >= 4 ? 'v2' : 'v1' };
}

const Health = z.object({ version: z.string() });
const Ingested = z.object({
  errors: z.array(
    z.object({ id: z.string(), status: z.number(), message: z.string().nullish(), error: z.unknown().optional() }),
  ),
});
const Named = z.object({ id: z.string() });
const CursorMeta = z.object({ meta: z.object({ cursor: z.string().nullish() }).optional() });
const PageMeta = z.object({ meta: z.object({ totalPages: z.number() }) });

const OTLP_HEAD =
  `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"observatory"}}]},` +
  `"scopeSpans":[{"scope":{"name":"observatory"},"spans":[`;
const OTLP_TAIL = ']}]}]}';

/** The frozen bytes as they are, in the envelope of one request; written once, for they are megabytes. */
function otlpRequest(items: SendItem[]): Uint8Array<ArrayBuffer> {
  const parts = items.map(({ payload }, place) => (place === 0 ? OTLP_HEAD : ',') + payload);
  const texts = [...parts, OTLP_TAIL];
  const body = Buffer.allocUnsafeSlow(texts.reduce((all, text) => all + Buffer.byteLength(text), 0));
  let at = 0;
  for (const text of texts) at += body.write(text, at);
  return body;
}

const whole = (outcome: SendOutcome): SendReport => ({ outcome, apart: new Map() });

async function outcomeOf(response: Response): Promise<SendOutcome> {
  // A body that breaks off changes nothing about the status that came before it. The ingestion client has read it already.
  const reason = response.bodyUsed ? '' : await response.text().catch(() => '');
  return outcomeOfStatus(response.status, reason, {
    retryAfter: response.headers.get('retry-after'),
    nowMs: Date.now(),
  });
}

function away(cause: unknown): never {
  throw new AppError('unavailable', 'Langfuse does not answer', { cause });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('unavailable', 'Langfuse answers with something that is no JSON', { cause });
  }
}

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

const tooLong = () => new AppError('resource_exhausted', `a trace of more than ${PAGES_MAX} pages is not read`);
