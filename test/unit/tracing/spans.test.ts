import { AIMessage, HumanMessage, SystemMessage } from '@langchain/core/messages';
import { expect, test } from 'vitest';
import type { Step, StepAttempt } from '../../../src/schemas/step.ts';
import { OtlpSpan } from '../../../src/schemas/trace.ts';
import { toTraceConversation } from '../../../src/tracing/capture.ts';
import { ingestionEvents } from '../../../src/tracing/ingestion.ts';
import { serverOf } from '../../../src/tracing/langfuse-server.ts';
import { createBegunFreezer, createRootFreezer } from '../../../src/tracing/root-spans.ts';
import { createSpanFreezer } from '../../../src/tracing/spans.ts';

const EPISODE = '01890a5d-ac96-774b-bcce-b302099a8057';
const episode = {
  id: EPISODE,
  task: 'Move the ball.\nWith one servo.',
  agent: 'mechanism_engineer',
  tags: ['nightly'],
  metadata: { session_id: 'batch-7' },
  code_version: '1.2.3',
  seed: 5,
};
const step: Step = {
  id: '01890a5d-ac96-774b-bcce-b302099a8058',
  episode_id: EPISODE,
  run_id: 'run-1',
  seq: 3,
  step_key: 'engineer:1',
  parent_seq: null,
  kind: 'thought',
  agent: 'engineer',
  node: 'engineer',
  name: 'think',
  status: 'ok',
  status_detail: null,
  superseded_by: null,
  input: { password: 'hunter22' },
  output: { text: 'yes' },
  error: null,
  model: 'some-model',
  input_tokens: 10,
  cached_tokens: 6,
  output_tokens: 4,
  reasoning_tokens: 1,
  usd: 0.25,
  started_at: '2026-01-02T03:04:05.123456Z',
  ended_at: '2026-01-02T03:04:06Z',
  activity_id: '4',
  checkpoint_id: null,
  span_id: '00000000000000aa',
  workspace_sha256: null,
  asked_sha256: null,
  served_from: null,
  attempt_count: 2,
  started_stream_seq: 1,
  ended_stream_seq: 2,
};
const lost: StepAttempt = {
  attempt: 1,
  status: 'lost',
  worker: 'w',
  build: 'b',
  started_at: '2026-01-02T03:04:05.2Z',
  ended_at: '2026-01-02T03:04:05.3Z',
  error: null,
  input_tokens: 0,
  cached_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  usd: 0,
  usage_unknown: true,
  worked_ms: null,
  next_try_at: null,
};
const freezeSpan = createSpanFreezer({ namespace: 'tests', environment: 'testing', release: 'build-9' });
const freeze = () =>
  freezeSpan({ episode, step, parent_span_id: '00000000000000ff', artifacts: [], failed: [lost], model_input: null });
const read = (payload = '') => {
  const span = OtlpSpan.parse(JSON.parse(payload));
  return {
    span,
    attributes: Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
  };
};

test('the same rows freeze to the same bytes, under ids and times that follow from them', () => {
  expect(freeze()).toEqual(freeze());
  const { span } = read(freeze()[0]?.payload);
  expect(span).toMatchObject({
    spanId: step.span_id,
    parentSpanId: '00000000000000ff',
    startTimeUnixNano: '1767323045123456000',
    endTimeUnixNano: '1767323046000000000',
  });
});

test('a thought is a generation with its model, usage and cost, and says what its whole trace says', () => {
  const { attributes } = read(freeze()[0]?.payload);
  expect(attributes).toMatchObject({
    'langfuse.observation.type': 'generation',
    'langfuse.observation.model.name': 'some-model',
    'langfuse.observation.usage_details': '{"input":4,"output":3,"input_cached_tokens":6,"output_reasoning_tokens":1}',
    'langfuse.observation.cost_details': '{"total":0.25}',
    'langfuse.observation.metadata.langgraph_node': 'engineer',
    'langfuse.observation.metadata.langgraph_step': '3',
    'langfuse.trace.name': 'Move the ball.',
    'session.id': 'batch-7',
    'langfuse.environment': 'testing',
    'langfuse.release': 'build-9',
    'langfuse.version': '1.2.3',
  });
});

test('secrets are taken out before the bytes are frozen', () => {
  const [own] = freeze();
  expect(own?.payload).not.toContain('hunter22');
  expect(read(own?.payload).attributes['langfuse.observation.input']).toBe('{"password":"[redacted]"}');
});

test('an attempt that failed is a child of its step, under an id that holds the attempt', () => {
  const [own, attempt] = freeze();
  const { span, attributes } = read(attempt?.payload);
  expect(span.parentSpanId).toBe(step.span_id);
  expect(span.spanId).not.toBe(own?.span_id);
  expect(attributes).toMatchObject({
    'langfuse.observation.level': 'WARNING',
    'langfuse.observation.metadata.attempt': '1',
  });
});

test('the root has no parent, and shows the task, how the episode came out, and where its page is', () => {
  const freezeRoot = createRootFreezer({ namespace: 'tests', pageUrl: (id) => `http://here/episodes/${id}` });
  const times = { started_at: step.started_at, ended_at: '2026-01-02T03:04:06Z' };
  const { span, attributes } = read(
    freezeRoot({
      episode,
      run: 'run-1',
      ...times,
      level: 'DEFAULT',
      status_message: null,
      output: { status: 'completed' },
    }).payload,
  );
  expect(span.parentSpanId).toBeUndefined();
  expect(attributes).toMatchObject({
    'langfuse.observation.type': 'agent',
    'langfuse.trace.output': '{"status":"completed"}',
    'langfuse.trace.metadata.page': `http://here/episodes/${episode.id}`,
    'langfuse.observation.metadata.page': `http://here/episodes/${episode.id}`,
  });
});

test('an episode that runs is listed by its root, which has no length; the root with its end is the same span, another item', () => {
  const freezeBegun = createBegunFreezer({ namespace: 'tests' });
  const begun = freezeBegun({ episode, run: 'run-1', started_at: step.started_at });
  const times = { started_at: step.started_at, ended_at: '2026-01-02T03:04:06Z' };
  const line = { episode, run: 'run-1', ...times, level: 'DEFAULT', status_message: null, output: null } as const;
  const ended = createRootFreezer({ namespace: 'tests' })(line);
  expect(begun.span_id).not.toBe(ended.span_id);
  const { span } = read(begun.payload);
  expect([span.spanId, span.startTimeUnixNano]).toEqual([
    read(ended.payload).span.spanId,
    read(ended.payload).span.startTimeUnixNano,
  ]);
  expect(span.endTimeUnixNano).toBe(span.startTimeUnixNano);
});

test('a thought is drawn as a chat: named by its role, its calls and thinking as Langfuse’s parsers want them, its tools with it', () => {
  const calls = [{ id: 'c1', name: 'write_file', args: { path: '/a' } }];
  const output = { text: 'I write.', tool_calls: calls, reasoning: 'hm', images: [] };
  const input = { role: 'engineer', conversation_before: 3, tools: ['write_file', 'gone'] };
  const describeTool = (name: string) => (name === 'write_file' ? { type: 'function', function: { name } } : undefined);
  const messages = toTraceConversation([new HumanMessage('go'), new AIMessage({ content: 'ok', tool_calls: calls })]);
  const model_input = { messages, parameters: {} };
  const [own] = createSpanFreezer({ namespace: 'tests', describeTool })({
    episode,
    step: { ...step, input, output },
    parent_span_id: '00000000000000ff',
    artifacts: [],
    failed: [],
    model_input,
  });
  const { span, attributes } = read(own?.payload);
  expect(span.name).toBe('engineer · think');
  const tool_calls = [{ id: 'c1', type: 'function', function: { name: 'write_file', arguments: '{"path":"/a"}' } }];
  expect(JSON.parse(String(attributes['langfuse.observation.output']))).toEqual({
    role: 'assistant',
    content: 'I write.',
    thinking: [{ type: 'thinking', content: 'hm' }],
    tool_calls,
  });
  expect(JSON.parse(String(attributes['langfuse.observation.input']))).toEqual({
    messages: [
      { role: 'user', content: 'go' },
      { role: 'assistant', content: 'ok', tool_calls },
    ],
    tools: [{ type: 'function', function: { name: 'write_file' } }],
  });
  expect(attributes['langfuse.observation.metadata.images']).toBe('[]');
});

test('all calls of one thought stand side by side in Langfuse’s graph, before the next thought', () => {
  const placeOf = (seq: number, parent_seq: number | null) =>
    read(
      freezeSpan({
        episode,
        step: { ...step, seq, parent_seq, kind: parent_seq === null ? 'thought' : 'tool_call' },
        parent_span_id: '00000000000000ff',
        artifacts: [],
        failed: [],
        model_input: null,
      })[0]?.payload,
    ).attributes['langfuse.observation.metadata.langgraph_step'];
  expect([placeOf(3, null), placeOf(4, 3), placeOf(5, 3), placeOf(6, null)]).toEqual(['3', '4', '4', '6']);
});

test('a file’s address in the store is one that people can open', () => {
  const sha256 = 'ab'.repeat(32);
  const freezeLinked = createSpanFreezer({ namespace: 'tests', artifactUrl: (hash) => `http://here/${hash}` });
  const output = { video: { uri: `s3://bucket/sha256/ab/${sha256}`, sha256 } };
  const parts = { parent_span_id: '00000000000000ff', artifacts: [], failed: [], model_input: null };
  const [own] = freezeLinked({ episode, step: { ...step, kind: 'simulation', output }, ...parts });
  expect(read(own?.payload).attributes['langfuse.observation.output']).toBe(
    JSON.stringify({ video: { uri: `http://here/${sha256}`, sha256 } }),
  );
});

test('a text beyond Langfuse’s bound is cut and says so', () => {
  const long = { ...step, output: 'x'.repeat(300_000) };
  const [own] = freezeSpan({
    episode,
    step: long,
    parent_span_id: '00000000000000ff',
    artifacts: [],
    failed: [],
    model_input: null,
  });
  expect(read(own?.payload).attributes['langfuse.observation.output']).toMatch(
    /x… \(cut at 160000 of 300000 characters\)$/,
  );
});

test('servers from 3.22 on take OTLP, older ones the same spans as events; from 4 on observations are read by v2', () => {
  expect(
    ['2.95.1', '3.21.9', '3.22.0', '4.0.0', 'v4.1.0'].map((version) => {
      const { traces, reads } = serverOf(version);
      return `${traces} ${reads}`;
    }),
  ).toEqual(['ingestion v1', 'ingestion v1', 'otlp v1', 'otlp v2', 'otlp v2']);
});

test('the frozen bytes tell an older server the same: one trace, a generation with usage, a child span', () => {
  const events = ingestionEvents(freeze().map(({ payload }) => OtlpSpan.parse(JSON.parse(payload))));
  expect(events.map(({ type }) => type)).toEqual(['trace-create', 'generation-create', 'span-create']);
  expect(events[1]?.body).toMatchObject({
    id: step.span_id,
    startTime: '2026-01-02T03:04:05.123Z',
    output: { text: 'yes' },
    usageDetails: { input: 4, output: 3, input_cached_tokens: 6, output_reasoning_tokens: 1 },
  });
});

test('a generation shows the conversation that the model was shown; of a long one the first message and the newest', () => {
  const long = 'x'.repeat(40_000);
  const messages = [new SystemMessage('rules'), new HumanMessage(long), new HumanMessage(long), new AIMessage('yes')];
  const model_input = { messages: toTraceConversation(messages), parameters: { script: 'transfer' } };
  const [own] = freezeSpan({
    episode,
    step,
    parent_span_id: '00000000000000ff',
    artifacts: [],
    failed: [],
    model_input,
  });
  const shown = JSON.parse(String(read(own?.payload).attributes['langfuse.observation.input'])) as {
    messages: { content: string }[];
  };
  expect(shown.messages.map(({ content }) => content.slice(0, 30))).toEqual([
    'rules',
    '(1 messages are left out here:',
    'x'.repeat(30),
    'yes',
  ]);
  expect(read(own?.payload).attributes['langfuse.observation.model.parameters']).toBe('{"script":"transfer"}');
});

test('a wait for a person is an event that nothing is wrong with, however long it took', () => {
  const wait = { ...step, kind: 'human' as const, name: 'approval', model: null, ended_at: '2026-01-05T03:04:06Z' };
  const parts = { parent_span_id: '00000000000000ff', artifacts: [], failed: [], model_input: null };
  const { span, attributes } = read(freezeSpan({ episode, step: wait, ...parts })[0]?.payload);
  expect(attributes).toMatchObject({ 'langfuse.observation.type': 'event', 'langfuse.observation.level': 'DEFAULT' });
  expect(span.status).toEqual({ code: 0 });
});
