// Every shape in which endpoints answer, served over HTTP as it stands and taken in by the model of an endpoint.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HumanMessage } from '@langchain/core/messages';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEndpointModel } from '../../../../src/agents/models/endpoint.ts';
import type { Said } from '../../../../src/agents/models/model.ts';
import { AppError } from '../../../../src/errors.ts';
import { endpointModel } from '../../../support/endpoint-model.ts';
import { SHAPES } from './shapes.ts';
import type { Expected, Shape } from './shapes.ts';

let base_url = '';
let served: Omit<Shape, 'name' | 'right'> = { body: '' };
/** How many bytes are sent at once: shapes are cut at any place of them. */
let chunk = 1_000_000;
const server = createServer((_, response) => {
  const { status = 200, type = 'text/event-stream', headers, body } = served;
  response.writeHead(status, { 'content-type': type, ...headers });
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += chunk) response.write(bytes.subarray(at, at + chunk));
  response.end();
});
beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  base_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterAll(() => void server.close());

async function answerTo(shape: Omit<Shape, 'name' | 'right'>): Promise<{ said?: Said; error?: AppError }> {
  served = shape;
  const model = createEndpointModel(endpointModel(base_url));
  const options = { tools: [], signal: new AbortController().signal };
  try {
    return { said: await model.think([new HumanMessage('think')], options) };
  } catch (error) {
    if (error instanceof AppError) return { error };
    throw error;
  }
}

describe.each([1_000_000, 5])('sent in pieces of %i bytes', (bytes) => {
  test.each(SHAPES.map((shape) => [shape.name, shape] as const))('%s', async (_, shape) => {
    chunk = bytes;
    const came = await answerTo(shape);
    expect(told(came, shape.right)).toEqual(shape.right.error ? rightFailure(shape.right) : rightAnswer(shape.right));
  });
});

/** What came, in the form in which shapes say what is right. */
function told({ said, error }: Awaited<ReturnType<typeof answerTo>>, right: Expected): object {
  if (!said) return { code: error?.code, says: error?.message, details: error?.details };
  const { usage, answer, text, reasoning, refusal, end, tool_calls } = said;
  const tokens = usage && [usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens];
  return {
    text,
    reasoning,
    refusal,
    end,
    tool_calls,
    tokens,
    finish_reason: right.finish_reason === undefined ? undefined : answer?.finish_reason,
  };
}

function rightAnswer({ text = '', reasoning, refusal, end, calls = [], tokens = null, ...right }: Expected): object {
  const tool_calls = calls.map((call) => expect.objectContaining({ args: {}, ...call }));
  return { text, reasoning, refusal, end, tool_calls, tokens, finish_reason: right.finish_reason };
}

function rightFailure({ error }: Expected): object {
  const details = { origin: 'model_endpoint', ...error?.details };
  return {
    code: error?.code,
    says: expect.stringContaining(error?.says ?? ''),
    details: expect.objectContaining(details),
  };
}

test('no JSON whatever throws past the adapter, in an answer or in an error', { timeout: 60_000 }, async () => {
  chunk = 1_000_000;
  const loose = fc.jsonValue({ maxDepth: 4 });
  const member = fc.constantFrom(
    'choices',
    'delta',
    'message',
    'content',
    'tool_calls',
    'function',
    'arguments',
    'error',
    'usage',
    'detail',
    'index',
    'id',
    'name',
    'reasoning',
    'reasoning_details',
    'finish_reason',
  );
  const shaped = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      loose,
      fc.dictionary(member, tie('value'), { maxKeys: 4 }),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
  })).value;
  const statuses = fc.constantFrom(200, 200, 200, 400, 429, 500);
  await fc.assert(
    fc.asyncProperty(
      fc.array(shaped, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      statuses,
      async (values, streamed, status) => {
        const body = streamed
          ? values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join('')
          : JSON.stringify(values[0]);
        const { said, error } = await answerTo({ body, status });
        expect(said ? 'said' : error?.details['origin']).toBe(said ? 'said' : 'model_endpoint');
      },
    ),
    { numRuns: 400 },
  );
});
