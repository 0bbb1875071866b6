import { Langfuse } from 'langfuse';
import type { ApiIngestionEvent } from 'langfuse';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Observation } from '../schemas/trace.ts';
import { OtlpSpan, Score } from '../schemas/trace.ts';
import type { SendOutcome } from './delivery-state.ts';
import { ingestionEvents, scoreEvent } from './ingestion.ts';
import { connect, outcomeOf } from './langfuse-connection.ts';
import type { Connection, LangfuseAccess } from './langfuse-connection.ts';
import { outcomeOfError, outcomeOfStatus } from './langfuse-http.ts';
import { listObservations, listScores } from './langfuse-reads.ts';
import type { ObservationQuery } from './langfuse-reads.ts';
import { createDetector } from './langfuse-server.ts';
import type { LangfuseServer } from './langfuse-server.ts';
import { createMediaClient } from './media.ts';
import type { MediaClient } from './media.ts';

/** An item as it is sent: its id and its frozen bytes. */
export type SendItem = { span_id: string; payload: string };

/** How a batch fared, and those items that fared otherwise. */
export type SendReport = { outcome: SendOutcome; apart: Map<string, SendOutcome> };

/**
 * A Langfuse server. Every call is one request (a page each for reads, one for each score) without retries, ended after
 * `request_ms`. Sends never throw: what happened is their answer. Reads throw `unavailable`, with `retry_after_ms` where the
 * server asks to wait, or `permission_denied` where keys or address are wrong.
 */
export type LangfuseClient = {
  detect(signal?: AbortSignal): Promise<LangfuseServer>;
  /** The project that the keys are of, as addresses of the server's pages name it. */
  findProject(signal?: AbortSignal): Promise<string>;
  sendSpans(server: LangfuseServer, items: SendItem[], signal?: AbortSignal): Promise<SendReport>;
  sendScores(server: LangfuseServer, items: SendItem[], signal?: AbortSignal): Promise<SendReport>;
  media: MediaClient;
  /** Every row of the traces, doubles included; with times, those that began within them. */
  listObservations(server: LangfuseServer, query: ObservationQuery, signal?: AbortSignal): Promise<Observation[]>;
  /** Which of the trace's scores are there; undefined where the server has no way to list them. */
  listScores(
    server: LangfuseServer,
    scores: { ids: string[]; trace_id: string },
    signal?: AbortSignal,
  ): Promise<string[] | undefined>;
  /** Asks for the deletion of traces and of what belongs to them; the server does so in its own time. */
  deleteTraces(traceIds: string[], signal?: AbortSignal): Promise<void>;
  /** Whether the server is known to allow few reads. */
  isLimited(): Promise<boolean>;
};

/** Opens a client; nothing is asked before the first call. */
export function createLangfuseClient(access: LangfuseAccess): LangfuseClient {
  const connection = connect(access);
  const ingest = createIngestion(access, connection);
  return {
    media: createMediaClient(access),
    isLimited: () => connection.budget.isLimited(),
    detect: createDetector(connection),
    async findProject(signal) {
      const { data } = Projects.parse(await connection.getFree('/api/public/projects', signal));
      const [project] = data;
      if (!project) throw new AppError('not_found', 'Langfuse knows no project of these keys');
      return project.id;
    },
    sendSpans: async (server, items, signal) =>
      server.traces === 'otlp'
        ? whole(await connection.post('/api/public/otel/v1/traces', otlpRequest(items), signal))
        : ingest(ingestionEvents(items.map(({ payload }) => OtlpSpan.parse(JSON.parse(payload)))), signal),
    sendScores: (server, items, signal) =>
      server.scores === 'endpoint'
        ? postScores(connection, items, signal)
        : ingest(
            items.map((item) => scoreEvent(scoreOf(item))),
            signal,
          ),
    listObservations: (server, query, signal) => listObservations(connection, server, { query, signal }),
    listScores: (server, scores, signal) => listScores(connection, server, { ...scores, signal }),
    deleteTraces: (traceIds, signal) => connection.remove('/api/public/traces', { traceIds }, signal),
  };
}

const scoreOf = ({ payload }: SendItem): Score => Score.parse(JSON.parse(payload));

/**
 * Posts scores one by one, as their endpoint wants them; under the same id a score is there once. When one could not be
 * sent, for what has nothing to do with it, the rest is not tried.
 */
async function postScores(
  { budget, post }: Connection,
  items: SendItem[],
  signal: AbortSignal | undefined,
): Promise<SendReport> {
  const apart = new Map<string, SendOutcome>();
  for (const item of items) {
    const { taken, wait_ms } = await budget.take(0);
    if (!taken)
      return { outcome: { kind: 'later', error: 'few requests are allowed', retry_after_ms: wait_ms }, apart };
    const { timestamp: _, ...score } = scoreOf(item);
    const outcome = await post('/api/public/scores', JSON.stringify(score), signal);
    if (outcome.kind === 'later') {
      await budget.learn({ retry_after_ms: outcome.retry_after_ms, per_minute: outcome.per_minute ?? null });
      return { outcome, apart };
    }
    if (outcome.kind === 'unwelcome') return { outcome, apart };
    apart.set(item.span_id, outcome);
    if (outcome.kind !== 'accepted' && outcome.kind !== 'refused')
      return { outcome: { kind: 'not_sent', error: `not tried: ${outcome.error}` }, apart };
  }
  return { outcome: { kind: 'accepted' }, apart };
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

const Projects = z.object({ data: z.array(z.object({ id: z.string().min(1) })) });
const Ingested = z.object({
  errors: z.array(
    z.object({ id: z.string(), status: z.number(), message: z.string().nullish(), error: z.unknown().optional() }),
  ),
});

/** Under a scope of this name servers do not repeat our attributes in each span's metadata. */
const OTLP_HEAD =
  `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"observatory"}}]},` +
  `"scopeSpans":[{"scope":{"name":"langfuse-sdk-observatory"},"spans":[`;
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
