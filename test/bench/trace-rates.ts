// How many spans a second reach Langfuse's stand-in when thousands end at once. Peer: @langfuse/otel. Both tell the same of every
// span, and both are measured from the first span's making until they hold the server's answer for the last one.
import { randomUUID } from 'node:crypto';
import { LangfuseSpanProcessor } from '@langfuse/otel';
import { propagateAttributes, setLangfuseTracerProvider, startObservation } from '@langfuse/tracing';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { deliverUntil } from '../../src/activities/traces/delivery.ts';
import { insertEpisode } from '../../src/db/append/episodes.ts';
import { insertItems } from '../../src/db/write/spans.ts';
import { StartEpisode } from '../../src/schemas/episode.ts';
import type { Episode } from '../../src/schemas/episode.ts';
import { rootSpanIdOf, spanIdOf, traceIdOf } from '../../src/identity.ts';
import type { Step } from '../../src/schemas/step.ts';
import { DELIVERY_TIMINGS } from '../../src/tracing/delivery-state.ts';
import { createLangfuseClient } from '../../src/tracing/langfuse-client.ts';
import { createSpanFreezer } from '../../src/tracing/spans.ts';
import type { TestDatabase } from '../support/database.ts';

/** The record, the database of the stand-in, its address and its keys. */
export type Bench = {
  record: TestDatabase;
  langfuse: TestDatabase;
  url: string;
  keys: { public_key: string; secret_key: string };
};

/** How many of the spans arrived, and how many of those a second. Medians of alternating rounds. */
export type Rates = {
  arrived: number;
  otel_arrived: number;
  spans_per_s: number;
  otel_spans_per_s: number;
  ratio: number;
};

const SPANS = 5_000;
const ROUNDS = 5;
/** So many steps end in one transaction. */
const TRANSACTION_SPANS = 500;
const NAMESPACE = 'bench';
const RUN = 'run-1';
/** What each span says, as a call that writes a file does. */
const INPUT = { path: '/solution_script.mjs', content: 'x'.repeat(400) };

/** Measures both, in turn. */
export async function measureRates(bench: Bench): Promise<Rates> {
  const ours: Arrival[] = [];
  const theirs: Arrival[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    ours.push(await ownRate(bench));
    theirs.push(await otelRate(bench));
  }
  const [own, otel] = [medianRate(ours), medianRate(theirs)];
  return {
    arrived: Math.min(...ours.map(({ arrived }) => arrived)),
    otel_arrived: medianOf(theirs.map(({ arrived }) => arrived)),
    spans_per_s: Math.round(own),
    otel_spans_per_s: Math.round(otel),
    ratio: Math.round((own / otel) * 100) / 100,
  };
}

type Arrival = { arrived: number; seconds: number };

const medianOf = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const medianRate = (all: Arrival[]) => medianOf(all.map(({ arrived, seconds }) => arrived / seconds));

/** Freezes the spans, puts them into the outbox and delivers them, until each was seen. */
async function ownRate({ record, langfuse, url, keys }: Bench): Promise<Arrival> {
  const { db, pool } = record.client;
  const episode = await newEpisode(record);
  const freezeSpan = createSpanFreezer({ namespace: NAMESPACE });
  const stop = new AbortController();
  const deps = {
    db,
    pool,
    langfuse: createLangfuseClient({ base_url: url, ...keys, request_ms: DELIVERY_TIMINGS.request_ms }),
    alerts: { raise: async () => {}, clear: async () => {} },
    readObject: async () => new Uint8Array(),
    now: () => new Date(),
    timings: DELIVERY_TIMINGS,
  };
  const { promise: seen, resolve: allSeen } = Promise.withResolvers<void>();
  let confirmed = 0;
  const delivering = deliverUntil(stop.signal, deps, (cycle) => {
    confirmed += cycle.confirmed;
    if (confirmed >= SPANS) allSeen();
  });
  const parent_span_id = rootSpanIdOf(episode.trace_id, RUN);
  const began = Date.now();
  for (let from = 0; from < SPANS; from += TRANSACTION_SPANS) {
    const items = Array.from({ length: TRANSACTION_SPANS }, (_, place) => {
      const step = endedStep(episode, from + place + 1);
      return freezeSpan({ episode, step, parent_span_id, artifacts: [], failed: [], model_input: null });
    });
    await insertItems(db, { episode_id: episode.id, step_id: null }, items.flat());
  }
  await seen;
  stop.abort();
  await delivering;
  const { rows } = await pool.query<{ last: string }>(
    'select max(accepted_at) as last from trace_outbox where episode_id = $1',
    [episode.id],
  );
  const seconds = (Date.parse(rows[0]?.last ?? '') - began) / 1000;
  return { arrived: await countArrived(langfuse, episode.trace_id), seconds };
}

/** The same spans ended in one tick, and flushed, by Langfuse's own exporter. */
async function otelRate({ langfuse, url, keys }: Bench): Promise<Arrival> {
  const access = { baseUrl: url, publicKey: keys.public_key, secretKey: keys.secret_key };
  const processor = new LangfuseSpanProcessor({ ...access, environment: 'development' });
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  setLangfuseTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const id = randomUUID();
  const trace = { traceName: 'bench', sessionId: id, userId: 'observatory', tags: ['engineer'] };
  const began = Date.now();
  const traceId = propagateAttributes(trace, () => {
    const root = startObservation('episode', { input: INPUT }, { asType: 'agent' });
    for (let seq = 1; seq < SPANS; seq += 1) {
      const metadata = {
        episode_id: id,
        run_id: RUN,
        step: seq,
        step_id: id,
        step_key: `bench/${seq}`,
        agent: 'engineer',
        attempts: 1,
        langgraph_node: 'tools',
        langgraph_step: seq,
        artifacts: [],
      };
      root.startObservation('write_file', { input: INPUT, output: INPUT, metadata }, { asType: 'tool' }).end();
    }
    root.end();
    return root.traceId;
  });
  await processor.forceFlush();
  const seconds = (Date.now() - began) / 1000;
  setLangfuseTracerProvider(null);
  context.disable();
  await provider.shutdown();
  return { arrived: await countArrived(langfuse, traceId), seconds };
}

async function countArrived({ client }: TestDatabase, traceId: string): Promise<number> {
  const { rows } = await client.pool.query<{ arrived: number }>(
    'select count(distinct id)::int as arrived from collector.observations where trace_id = $1',
    [traceId],
  );
  return rows[0]?.arrived ?? 0;
}

/** An episode of the benches. */
export async function newEpisode({ client }: TestDatabase): Promise<Episode> {
  const accepted = { namespace: NAMESPACE, idempotency_key: randomUUID(), code_version: null };
  const { episode } = await insertEpisode(client.db, { request: StartEpisode.parse({ task: 'bench' }), ...accepted });
  return { ...episode, trace_id: traceIdOf(NAMESPACE, episode.id) };
}

function endedStep({ id, trace_id }: Episode, seq: number): Step {
  const at = new Date().toISOString();
  const step_key = `bench/${seq}`;
  return {
    id,
    episode_id: id,
    run_id: RUN,
    seq,
    step_key,
    parent_seq: null,
    kind: 'tool_call',
    agent: 'engineer',
    node: 'tools',
    name: 'write_file',
    status: 'ok',
    status_detail: null,
    superseded_by: null,
    input: INPUT,
    output: INPUT,
    error: null,
    model: null,
    input_tokens: 0,
    cached_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
    usd: 0,
    started_at: at,
    ended_at: at,
    activity_id: null,
    checkpoint_id: null,
    span_id: spanIdOf(trace_id, RUN, step_key),
    workspace_sha256: null,
    asked_sha256: null,
    served_from: null,
    attempt_count: 1,
    started_stream_seq: 0,
    ended_stream_seq: 0,
  };
}
