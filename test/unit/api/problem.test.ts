import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { requestId } from 'hono/request-id';
import { describe, expect, test } from 'vitest';
import { checkJson, JSON_DEPTH_MAX } from '../../../src/api/json-body.ts';
import { problemOf } from '../../../src/api/problem.ts';
import { AppError } from '../../../src/errors.ts';
import type { Problem } from '../../../src/schemas/problem.ts';

/** The answer of a real app to a request whose handler throws this. */
async function answerTo(error: unknown): Promise<{ answer: Response; problem: Problem }> {
  const app = new Hono();
  app.use(requestId());
  app.onError((thrown, c) => problemOf(c, thrown));
  app.get('/', () => {
    throw error;
  });
  const answer = await app.request('/', { headers: { 'x-request-id': 'request-1' } });
  return { answer, problem: (await answer.json()) as Problem };
}

test('an error of the table answers with its status, its words and the request’s id', async () => {
  const { answer, problem } = await answerTo(new AppError('not_found', 'no episode 1'));
  expect(answer.status).toBe(404);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.headers.get('x-request-id')).toBe('request-1');
  expect(problem).toEqual({
    type: 'urn:observatory:problem:not_found',
    title: 'There is no such thing',
    status: 404,
    detail: 'no episode 1',
    instance: 'urn:observatory:request:request-1',
  });
});

test.each([
  [Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:5432'), { code: 'ECONNREFUSED' }), 503],
  [Object.assign(new Error('invalid input syntax for uuid: "secret"'), { code: '22P02' }), 400],
  [Object.assign(new Error('duplicate key value: (name)=(secret)'), { code: '23505' }), 409],
  [Object.assign(new Error('canceling statement due to statement timeout: secret'), { code: '57014' }), 504],
  [new TypeError('secret is not a function'), 500],
  [new AppError('internal', 'migration secret failed'), 500],
])('the words of a driver or of a mistake are not shown (%s)', async (error, status) => {
  const { answer, problem } = await answerTo(error);
  expect(answer.status).toBe(status);
  expect(problem.detail).toBeUndefined();
  expect(JSON.stringify(problem)).not.toMatch(/secret|10\.1\.2\.3/);
});

test('a missing key is told how to authenticate, and an outage when to come back', async () => {
  const { answer: unauthenticated } = await answerTo(new AppError('unauthenticated', 'no key'));
  expect(unauthenticated.headers.get('www-authenticate')).toBe('Bearer realm="observatory"');
  const { answer: unavailable } = await answerTo(new AppError('unavailable', 'away'));
  expect(unavailable.headers.get('retry-after')).toMatch(/^\d+$/);
});

test('what HTTP itself refuses is a problem too', async () => {
  const { answer, problem } = await answerTo(new HTTPException(415, { message: 'Unsupported Media Type' }));
  expect(answer.status).toBe(415);
  expect(problem.type).toBe('urn:observatory:problem:unsupported_media_type');
});

describe('a JSON body is refused', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  test.each([
    ['that is not UTF-8', Uint8Array.from([0x22, 0xff, 0x22])],
    ['that is not JSON', bytes('{')],
    ['that is empty', bytes('')],
    ['with half of a surrogate pair', bytes('{"task":"\\ud800"}')],
    ['with half of a surrogate pair in a key', bytes('{"\\udc00":1}')],
    ['one level too deep', bytes('['.repeat(JSON_DEPTH_MAX + 1) + ']'.repeat(JSON_DEPTH_MAX + 1))],
    ['20,000 levels deep', bytes('['.repeat(20_000) + ']'.repeat(20_000))],
  ])('%s', (_, body) => {
    expect(() => checkJson(body)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  test('but not at the deepest level that is allowed', () => {
    expect(() => checkJson(bytes('['.repeat(JSON_DEPTH_MAX) + ']'.repeat(JSON_DEPTH_MAX)))).not.toThrow();
  });
});
