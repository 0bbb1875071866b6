// The model of an endpoint, asked over HTTP from a server that can misbehave in every way in which endpoints do.
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { describe, expect, test } from 'vitest';
import { createEndpointModel } from '../../../../src/agents/models/endpoint.ts';
import { createRegistry, describeTool } from '../../../../src/agents/tools/registry.ts';
import { AppError } from '../../../../src/errors.ts';
import { endpointModel } from '../../../support/endpoint-model.ts';
import { startModelServer } from '../../../support/model-server.ts';
import type { Fault, Reply } from '../../../support/model-server.ts';

const KEY = 'mk-hunter2-hunter2';
const PRICES = { oracle: { input: 10, cached: 1, output: 100 } };
const SHORT = { silence_ms: 60, answer_ms: 10_000 };

const endpointAt = (base_url: string, name = 'oracle') =>
  endpointModel(base_url, { api_key: { reveal: () => KEY }, prices: PRICES, name });

async function think(reply: Reply, { name = 'oracle', times = { silence_ms: 10_000, answer_ms: 10_000 } } = {}) {
  await using server = await startModelServer([reply]);
  const model = createEndpointModel(endpointAt(server.base_url, name), times);
  const said = await model.think([new HumanMessage('think')], { tools: [], signal: new AbortController().signal });
  return { said, requests: server.requests };
}

async function failure(fault: Fault, options: Parameters<typeof think>[1] & Reply = {}): Promise<AppError> {
  const { name: _, times: __, ...reply } = options;
  const error: unknown = await think({ text: 'a long answer that breaks', ...reply, fault }, options).then(
    ({ said }) => said,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AppError) return error;
  throw new Error('the model did not fail as it should', { cause: error });
}

describe('an answer', () => {
  test('is put together from its pieces: words, calls in order, tokens and dollars', async () => {
    const { said } = await think({
      text: 'I look at the files.',
      calls: [
        { name: 'read_file', args: { path: '/a.md' } },
        { name: 'grep', args: { pattern: 'ä "quoted"', path: '/' } },
      ],
      usage: { input: 1_000, cached: 400, output: 50 },
    });
    expect(said).toEqual({
      answer: { finish_reason: 'tool_calls', response_id: 'chatcmpl-1', model: null, endpoint: 'test' },
      text: 'I look at the files.',
      tool_calls: [
        { id: 'call_1', name: 'read_file', args: { path: '/a.md' } },
        { id: 'call_2', name: 'grep', args: { pattern: 'ä "quoted"', path: '/' } },
      ],
      // 600 fresh at 10, 400 cached at 1 and 50 written at 100 dollars a million
      usage: { input_tokens: 1_000, cached_tokens: 400, output_tokens: 50, reasoning_tokens: 0, usd: 0.0114 },
    });
  });

  test('keeps its calls when the endpoint leaves out the role or gives parallel calls the same index', async () => {
    const calls = [
      { name: 'read_file', args: { path: '/a' }, index: 0 },
      { name: 'read_file', args: { path: '/b' }, index: 0 },
    ];
    const { said } = await think({ calls, no_role: true });
    expect(said.tool_calls.map(({ args }) => args)).toEqual([{ path: '/a' }, { path: '/b' }]);
  });

  test('gives every call an id of its own that fits into a step key', async () => {
    const calls = ['same', 'same', '', 'a/b'].map((id) => ({ id, name: 'list_files', args: {}, index: undefined }));
    const { said } = await think({ calls: calls.map((one, index) => ({ ...one, index })) });
    expect(said.tool_calls.map(({ id }) => id)).toEqual(['same', 'call-2', 'call-3', 'call-4']);
  });

  test.each([
    ['cut off', '{"path": "/a.md", "content": "half of'],
    ['no object', '["/a.md"]'],
    ['no JSON', 'path=/a.md'],
  ])('whose arguments are %s keeps the call as malformed, and repairs nothing', async (_, args) => {
    const { said } = await think({ calls: [{ name: 'write_file', args }], finish_reason: 'length' });
    expect(said.tool_calls).toEqual([{ id: 'call_1', name: 'write_file', args: {}, malformed: args }]);
  });

  test('without arguments or with NUL in them is one that the record can hold', async () => {
    const { said } = await think({
      calls: [
        { name: 'list_files', args: '' },
        { name: 'write_file', args: { content: 'a\u0000b' } },
      ],
    });
    expect(said.tool_calls.map(({ args }) => args)).toEqual([{}, { content: 'a\u2400b' }]);
  });

  test('of a model without a price says so, and one without usage says nothing of it', async () => {
    const { said } = await think({ text: 'hm' }, { name: 'stranger' });
    expect(said).toMatchObject({ usage: { input_tokens: 10, output_tokens: 5, usd: null } });
    expect((await think({ text: 'hm', usage: null })).said.usage).toBeNull();
  });
});

test('the request carries the key, the tools as JSON Schema, and every result under the id of its call', async () => {
  await using server = await startModelServer([{ text: 'done' }]);
  const model = createEndpointModel(endpointAt(server.base_url));
  const messages = [
    new SystemMessage('be good'),
    new HumanMessage('the task'),
    new AIMessage({ content: '', tool_calls: [{ id: 'c1', name: 'grep', args: { pattern: 'x' } }] }),
    new ToolMessage({ tool_call_id: 'c1', name: 'grep', content: 'no match', metadata: { seq: 2 } }),
  ];
  const tools = [...createRegistry().values()].map(describeTool);
  await model.think(messages, { tools, signal: new AbortController().signal });
  const [request] = server.requests;
  expect(request).toMatchObject({ model: 'oracle', stream: true, stream_options: { include_usage: true } });
  expect(request?.authorization).toBe(`Bearer ${KEY}`);
  expect(request?.tools?.map((tool) => tool.function.name)).toEqual([...createRegistry().keys()]);
  expect(request?.messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool']);
  expect(request?.messages[2]?.tool_calls).toMatchObject([{ id: 'c1', function: { arguments: '{"pattern":"x"}' } }]);
  expect(request?.messages[3]).toMatchObject({ tool_call_id: 'c1', content: 'no match' });
});

describe('a failure', () => {
  test.each(['broken_json', 'error_event', 'cut', 'reset'] as const)(
    'of the stream (%s) is worth another try',
    async (fault) => {
      expect(await failure(fault)).toMatchObject({ code: 'model_failed', details: { usage_unknown: true } });
    },
  );

  test.each(['hang', 'silence'] as const)('by saying nothing (%s) ends after the bound', async (fault) => {
    const error = await failure(fault, { times: SHORT });
    expect(error).toMatchObject({ code: 'model_failed', message: 'the model said nothing for 0.06 s' });
  });

  test('by talking without end is cut off by the bound on the whole answer', async () => {
    const error = await failure('silence', { times: { silence_ms: 10_000, answer_ms: 60 } });
    expect(error).toMatchObject({ code: 'model_failed', message: 'the model did not end within 0.06 s' });
  });

  test('whose tokens are known says what it cost', async () => {
    const error = await failure('cut', { usage: { input: 100, output: 10 }, usage_always: true });
    expect(error.details).toMatchObject({ input_tokens: 100, output_tokens: 10, usd: 0.002 });
    expect(error.details).not.toHaveProperty('usage_unknown');
  });

  test.each([
    [500, 'model_failed'],
    [503, 'unavailable'],
    [408, 'model_failed'],
    [429, 'unavailable'],
    [400, 'invalid_argument'],
    [401, 'unauthenticated'],
    [403, 'permission_denied'],
    [404, 'not_found'],
    [422, 'invalid_argument'],
  ] as const)('with status %i is %s, in the words of the endpoint, and used nothing', async (status, code) => {
    const error = await failure({ status, body: { error: { message: 'because of the tool_calls' } } });
    expect(error).toMatchObject({ code, message: `the model endpoint answered ${status}: because of the tool_calls` });
    expect(error.details).toEqual({ origin: 'model_endpoint', status, wait_s: 60 });
  });

  test('of an empty account, or of a conversation that is too long, is not tried again', async () => {
    const empty = await failure({ status: 429, body: { error: { code: 'insufficient_quota', message: 'pay' } } });
    expect(empty).toMatchObject({ code: 'resource_exhausted', retry: 'never' });
    const long = { code: 'context_length_exceeded', message: "this model's maximum context length is 8192 tokens" };
    expect(await failure({ status: 400, body: { error: long } })).toMatchObject({ code: 'invalid_argument' });
  });

  test('that asks to wait says for how long', async () => {
    const seconds = await failure({ status: 429, headers: { 'retry-after': '7' } });
    expect(seconds.details).toMatchObject({ status: 429, retry_after_s: 7 });
    const at = new Date(Date.now() + 60_000).toUTCString();
    const date = await failure({ status: 503, headers: { 'retry-after': at } });
    expect(date.details['retry_after_s']).toBeGreaterThan(50);
    expect(date.details['retry_after_s']).toBeLessThanOrEqual(60);
  });

  test('never shows the key, neither in its message nor in a cause', async () => {
    const message = `Incorrect API key provided: sk-ab***yz, sent as Bearer ${KEY}. See https://example.com`;
    const error = await failure({ status: 401, body: { error: { message } } });
    expect(error.message).toBe(
      'the model endpoint answered 401: Incorrect API key provided: [redacted], sent as Bearer [redacted]. See https://example.com',
    );
    expect(error.cause).toBeUndefined();
  });

  test('to reach the endpoint at all is waited out', async () => {
    const server = await startModelServer([]);
    await server[Symbol.asyncDispose]();
    const model = createEndpointModel(endpointAt(server.base_url));
    const thinking = model.think([new HumanMessage('x')], { tools: [], signal: new AbortController().signal });
    await expect(thinking).rejects.toMatchObject({ code: 'unavailable', retry: 'patiently' });
  });
});

test('a thought that is stopped from outside ends at once as cancelled', async () => {
  await using server = await startModelServer([{ fault: 'hang' }]);
  const model = createEndpointModel(endpointAt(server.base_url));
  const stop = new AbortController();
  const thinking = model.think([new HumanMessage('x')], { tools: [], signal: stop.signal });
  stop.abort();
  await expect(thinking).rejects.toMatchObject({ code: 'cancelled' });
});
