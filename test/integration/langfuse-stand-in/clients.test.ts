/**
 * Goal: the collector is a fair stand-in. Method: Langfuse's own clients, unchanged, write to it, and what is read back is
 * what they were told.
 */
import { LangfuseClient } from '@langfuse/client';
import { CallbackHandler } from '@langfuse/langchain';
import { LangfuseSpanProcessor } from '@langfuse/otel';
import { propagateAttributes, setLangfuseTracerProvider, startObservation } from '@langfuse/tracing';
import { RunnableLambda } from '@langchain/core/runnables';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { Langfuse } from 'langfuse';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KEYS, newTraceId, startTestCollector } from './test-stand-in.ts';
import type { TestCollector } from './test-stand-in.ts';

let collector: TestCollector;
let legacy: TestCollector;
beforeAll(async () => {
  collector = await startTestCollector();
  legacy = await startTestCollector({ mode: 'legacy' });
});
afterAll(async () => {
  await collector[Symbol.asyncDispose]();
  await legacy[Symbol.asyncDispose]();
});

const connection = ({ url }: TestCollector) => ({
  baseUrl: url,
  publicKey: KEYS.public_key,
  secretKey: KEYS.secret_key,
});

/** Runs `work` with the tracing SDK exporting to the collector, and ends when all has been sent. */
async function traced(work: () => void | Promise<void>): Promise<void> {
  const processor = new LangfuseSpanProcessor({ ...connection(collector), environment: 'lab', release: 'r1' });
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  setLangfuseTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  try {
    await work();
    await processor.forceFlush();
  } finally {
    setLangfuseTracerProvider(null);
    context.disable();
    await provider.shutdown();
  }
}

const ALL = 'core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context';
const read = async (traceId: string) => (await collector.api.observations.getMany({ traceId, fields: ALL })).data;

describe('@langfuse/otel', () => {
  test('has everything that it was told of an observation kept', async () => {
    let traceId = '';
    await traced(() => {
      const root = startObservation(
        'episode',
        { input: { task: 'move' }, metadata: { top: 'level', deep: { er: 1 } } },
        { asType: 'agent' },
      );
      ({ traceId } = root);
      const thought = root.startObservation(
        'thought',
        {
          input: [{ role: 'user', content: 'go' }],
          output: 'gone',
          model: 'scripted',
          modelParameters: { temperature: 0.5 },
          usageDetails: { input: 3, output: 4 },
          costDetails: { total: 0.25 },
          level: 'WARNING',
          statusMessage: 'slow',
          version: '2',
        },
        { asType: 'generation' },
      );
      thought.end();
      root.end();
    });
    const byName = new Map((await read(traceId)).map((observation) => [observation.name, observation]));
    expect(byName.get('episode')).toMatchObject({
      type: 'AGENT',
      parentObservationId: null,
      isRootObservation: true,
      input: '{"task":"move"}',
      environment: 'lab',
      release: 'r1',
      metadata: { top: 'level', deep: { er: 1 } },
    });
    expect(byName.get('thought')).toMatchObject({
      type: 'GENERATION',
      parentObservationId: byName.get('episode')?.id,
      input: '[{"role":"user","content":"go"}]',
      output: 'gone',
      model: 'scripted',
      modelParameters: { temperature: 0.5 },
      usageDetails: { input: 3, output: 4, total: 7 },
      costDetails: { total: 0.25 },
      totalCost: 0.25,
      level: 'WARNING',
      statusMessage: 'slow',
      version: '2',
    });
    expect(byName.size).toBe(2);
  });

  test('has trace name, session, user and tags kept on every observation', async () => {
    let traceId = '';
    const trace = { traceName: 'the trace', sessionId: 's1', userId: 'ada', tags: ['one', 'two'] };
    await traced(() =>
      propagateAttributes(trace, () => {
        const span = startObservation('work');
        ({ traceId } = span);
        span.end();
      }),
    );
    expect(await read(traceId)).toMatchObject([trace]);
  });
});

describe('@langfuse/langchain', () => {
  test('has a chain and its model’s call kept, with what went in and came out', async () => {
    let traceId = '';
    await traced(async () => {
      const handler = new CallbackHandler({ sessionId: 's2', tags: ['chain'] });
      const model = new FakeListChatModel({ responses: ['forty-two'] });
      const chain = RunnableLambda.from((question: string) => `${question}?`).pipe(model);
      await chain.invoke('what is it', { callbacks: [handler] });
      traceId = handler.last_trace_id ?? '';
    });
    const observations = await read(traceId);
    const root = observations.find(({ isRootObservation }) => isRootObservation);
    const generation = observations.find(({ type }) => type === 'GENERATION');
    // The handler itself calls a chain a span.
    expect(root).toMatchObject({ type: 'SPAN', sessionId: 's2', tags: ['chain'] });
    expect(generation?.parentObservationId).toBe(root?.id);
    expect(generation?.input).toContain('what is it?');
    expect(generation?.output).toContain('forty-two');
  });
});

describe('@langfuse/client', () => {
  test('has its scores kept, and finds the page of a trace', async () => {
    const traceId = newTraceId();
    const client = new LangfuseClient(connection(collector));
    client.score.create({ traceId, name: 'quality', value: 0.5, comment: 'fair' });
    await client.flush();
    const { data } = await client.api.scoresV3.getManyV3({ traceId, fields: 'details' });
    expect(data).toMatchObject([{ name: 'quality', value: 0.5, dataType: 'NUMERIC', comment: 'fair' }]);
    expect(await client.getTraceUrl(traceId)).toBe(`${collector.url}/project/observatory/traces/${traceId}`);
    await client.shutdown();
  });
});

describe('langfuse 3.x', () => {
  test('has its trace, observations and scores kept by a legacy server, and reads them back', async () => {
    const client = new Langfuse(connection(legacy));
    const trace = client.trace({ name: 'the trace', sessionId: 's1', tags: ['one'] });
    const span = trace.span({ name: 'work', input: { a: 1 } });
    span.generation({ name: 'think', model: 'scripted', usageDetails: { input: 1, output: 2 } }).end({ output: 'yes' });
    span.end({ output: [1, 2] });
    trace.score({ name: 'quality', value: 1 });
    await client.flushAsync();
    const { data } = await client.fetchObservations({ traceId: trace.id });
    expect(data.toSorted((one, other) => (one.name ?? '').localeCompare(other.name ?? ''))).toMatchObject([
      {
        name: 'think',
        type: 'GENERATION',
        parentObservationId: span.id,
        model: 'scripted',
        output: 'yes',
        usageDetails: { input: 1, output: 2, total: 3 },
      },
      { name: 'work', type: 'SPAN', input: { a: 1 }, output: [1, 2], endTime: expect.any(String) },
    ]);
    expect((await legacy.get(`/api/public/v2/scores?traceId=${trace.id}`)).data).toMatchObject([
      { name: 'quality', value: 1 },
    ]);
    expect(await (await fetch(`${legacy.url}/trace/${trace.id}`)).text()).toContain('<title>the trace</title>');
    await client.shutdownAsync();
  });

  test('learns from one batch’s answer that a default v4 server refuses its traces', async () => {
    const traceId = newTraceId();
    const client = new Langfuse(connection(collector));
    const answer = await client.api.ingestionBatch({
      batch: [
        { id: 'e1', type: 'trace-create', timestamp: new Date().toISOString(), body: { id: traceId, name: 'x' } },
        { id: 'e2', type: 'score-create', timestamp: new Date().toISOString(), body: { traceId, name: 'q', value: 1 } },
      ],
    });
    expect(answer.successes).toEqual([{ id: 'e2', status: 201 }]);
    expect(answer.errors).toMatchObject([{ id: 'e1', status: 400 }]);
    await client.shutdownAsync();
  });
});
