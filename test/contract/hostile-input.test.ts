/**
 * Goal: what no generator of valid requests thinks of gets a declared answer from every operation: bytes that are no text, text
 * that is no Unicode, JSON without measure, types that are none, keys that are none. None of it reaches a handler or a log as a failure.
 * Method: a valid body for each operation that takes JSON, broken in one place at a time.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openapiText } from '../../src/api/openapi-file.ts';
import { createTestApi, OPERATOR, seedEpisode, seedStep } from '../integration/api/test-api.ts';
import type { Loose, TestApi } from '../integration/api/test-api.ts';
import { eventOf } from '../support/events.ts';

/** A body that each operation with a JSON body takes, with a string and a number in it where it has any. */
const VALID: Record<string, Loose> = {
  startEpisode: {
    task: 'Move',
    seed: 1,
    tags: ['a'],
    metadata: { note: 'x', at: [{ deep: 'y' }] },
    budgets: { steps: 5 },
  },
  pauseEpisode: { reason: 'lunch' },
  sendMessage: { text: 'mind the corridor' },
  answerStep: { step: 1, text: 'yes' },
  forkEpisode: { step: 1, message: 'Take the other servo.' },
  rerunEpisode: { recorded_until: 1 },
  startSession: { person: 'ada' },
  rewindEpisode: { step: 1 },
  reproduceEpisode: { step: 2 },
  auditCoverage: { repair: false },
  addFeedback: { data_type: 'NUMERIC', name: 'useful', value: 1, seq: 1, comment: 'well' },
};

type Operation = {
  operationId: string;
  parameters?: { in: string }[];
  requestBody?: { required?: boolean; content: Record<string, unknown> };
  responses: object;
};
const document = JSON.parse(openapiText()) as { paths: Record<string, Record<string, Operation>> };
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
);
const guarded = operations.filter(({ path }) => path.startsWith('/v1/'));
/** A batch of events has rules of its own: one that is wrong is refused alone, and text that cannot be kept as it is is kept as an artifact. */
const withJson = operations.filter(
  ({ requestBody, operationId }) => requestBody?.content['application/json'] && operationId !== 'postEvents',
);

let api: TestApi;
let episode: string;
beforeAll(async () => {
  api = await createTestApi();
  const seeded = await seedEpisode(api);
  await seedStep(api, seeded, { seq: 1 });
  await seedStep(api, seeded, { seq: 2, kind: 'simulation' });
  episode = seeded.id;
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
});

const address = (path: string) =>
  path
    .replace('{id}', episode)
    .replace('{seq}', '1')
    .replace('{sha256}', '0'.repeat(64))
    .replaceAll(/\{\w+\}/g, '1');

type Body = NonNullable<RequestInit['body']>;
type Sent = { body?: Body; type?: string; headers?: Record<string, string> };
async function send({ path, method }: { path: string; method: string }, { body, type, headers = {} }: Sent) {
  const init = { method, headers: { ...(type !== undefined && { 'content-type': type }), ...headers } };
  const more = body === undefined ? {} : { body, duplex: 'half' as const };
  return api.call(address(path), { ...init, ...more });
}

/** What the schema lets through is done, or stands against the state of the episode. */
function expectTaken({ status }: Response) {
  expect(status < 300 || status === 409).toBe(true);
}

/** A problem of one of these statuses, as the operation declares it; and nothing failed on our side. */
async function expectProblem(answer: Response, statuses: number[], operation: Operation) {
  expect(statuses).toContain(answer.status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(Object.keys(operation.responses)).toContain(String(answer.status));
  expect((await answer.json()) as Loose).toMatchObject({
    status: answer.status,
    type: expect.stringMatching(/^urn:observatory:problem:/),
  });
}

/** The number is as it was read. */
async function expectKept(answer: Response, put: string) {
  expect(((await answer.json()) as Loose).value).toBe(Number(put));
}

/** Every copy of the value in which one leaf that `is` picks was exchanged; as JSON text, for what JSON.stringify cannot say. */
function broken(value: Loose, is: (leaf: unknown) => boolean, put: string): string[] {
  const mark = '"@@"';
  const copies = (at: Loose): Loose[] => {
    if (is(at)) return ['@@'];
    if (typeof at !== 'object' || at === null) return [];
    return Object.keys(at).flatMap((key) =>
      copies(at[key]).map((copy) => (Array.isArray(at) ? at.with(Number(key), copy) : { ...at, [key]: copy })),
    );
  };
  return copies(value).map((copy) => JSON.stringify(copy).replace(mark, put));
}

const isText = (leaf: unknown) => typeof leaf === 'string';
const isNumber = (leaf: unknown) => typeof leaf === 'number';
const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Uint8Array.from(part))));

test('every operation that takes JSON is here with a valid body', async () => {
  expect(withJson.map(({ operationId }) => operationId).toSorted()).toEqual(Object.keys(VALID).toSorted());
  for (const operation of withJson) {
    const body = JSON.stringify(VALID[operation.operationId]);
    expectTaken(await send(operation, { body, type: 'application/json' }));
  }
});

describe.each(withJson)('$operationId', (operation) => {
  const valid = VALID[operation.operationId];
  const text = JSON.stringify(valid);
  const json = (body: Body) => send(operation, { body, type: 'application/json' });

  test.each([
    ['NUL', String.raw`"a\u0000b"`],
    ['the first half of a surrogate pair', String.raw`"a\ud83d"`],
    ['the second half of a surrogate pair', String.raw`"\udc00b"`],
    ['halves in the wrong order', String.raw`"\udc00\ud83d"`],
    ['more than a mebibyte', JSON.stringify('x'.repeat(1024 ** 2))],
  ])('refuses %s in any of its texts', async (_, put) => {
    for (const body of broken(valid, isText, put)) await expectProblem(await json(body), [400, 413], operation);
  });

  test.each(['9007199254740993', '-9007199254740993', '1e400', '-1e400', '1e-400x', '0x10', 'NaN', '"1"', '1.0.0'])(
    'refuses %s for a number, or takes it where the schema does',
    async (put) => {
      for (const body of broken(valid, isNumber, put)) {
        const answer = await json(body);
        // Feedback's value may be any finite number.
        await (answer.status === 201 ? expectKept(answer, put) : expectProblem(answer, [400], operation));
      }
    },
  );

  test.each([
    ['20,000 arrays in each other', '['.repeat(20_000) + ']'.repeat(20_000)],
    ['20,000 objects in each other', '{"a":'.repeat(20_000) + '1' + '}'.repeat(20_000)],
    ['a member that nests 20,000 deep', `${text.slice(0, -1)},"more":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
    ['bytes that are no UTF-8', bytes('{"task":"', [0xff, 0xfe], '"}')],
    ['an overlong encoding', bytes('{"task":"', [0xc0, 0xaf], '"}')],
    ['a surrogate encoded as UTF-8', bytes('{"task":"', [0xed, 0xa0, 0x80], '"}')],
    ['UTF-16', Buffer.from(text, 'utf16le')],
    ['a cut body', text.slice(0, -1)],
    ['two values', `${text}${text}`],
    ['a comma at the end', `${text.slice(0, -1)},}`],
    ['nothing', ''],
    ['null', 'null'],
    ['an array', `[${text}]`],
    ['a text', '"task"'],
    ['a number', '1'],
    ['__proto__', `${text.slice(0, -1)},"__proto__":{"polluted":true}}`],
    ['constructor', `${text.slice(0, -1)},"constructor":{"prototype":{"polluted":true}}}`],
    ['a member that is not known', `${text.slice(0, -1)},"is_admin":true}`],
    ['a member with NUL in its name', `${text.slice(0, -1)},"a\\u0000":1}`],
    ['a control character in a text', '{"task":"a\u0001b"}'],
  ] as [string, Body][])('refuses %s', async (_, body) => {
    await expectProblem(await json(body), [400], operation);
    expect(({} as Loose).polluted).toBeUndefined();
  });

  test('takes the last of a member that is given twice, as JSON in JavaScript does', async () => {
    const [name] = Object.keys(valid);
    const first = `"${name}":{"not":"valid"}`;
    const answer = await json(`{${first},${text.slice(1)}`);
    expectTaken(answer);
    const last = await json(`${text.slice(0, -1)},${first}}`);
    await expectProblem(last, [400], operation);
  });

  test.each([
    'text/plain',
    'text/json',
    'application/jsonx',
    'application/json-seq',
    'application/xml',
    'application/octet-stream',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'json',
    '*/*',
    ';',
    'application/json, text/plain',
  ])('refuses the media type %s', async (type) => {
    await expectProblem(await send(operation, { body: text, type }), [400, 415], operation);
  });

  test('refuses no body where one is required, a body without a media type, and one that is packed', async () => {
    const nothing = await send(operation, {});
    await (operation.requestBody?.required ? expectProblem(nothing, [400], operation) : expectTaken(nothing));
    await expectProblem(await send(operation, { body: Buffer.from(text) }), [400, 415], operation);
    const packed = {
      body: bytes([0x1f, 0x8b, 8, 0]),
      type: 'application/json',
      headers: { 'content-encoding': 'gzip' },
    };
    await expectProblem(await send(operation, packed), [400, 415], operation);
  });

  test('takes other spellings of its media type', async () => {
    for (const type of ['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/json;charset="UTF-8"'])
      expectTaken(await send(operation, { body: text, type }));
  });

  test('stops reading a body that never ends', async () => {
    let read = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        read += 1;
        controller.enqueue(Buffer.alloc(64 * 1024, ' '));
      },
    });
    await expectProblem(await json(endless), [413], operation);
    expect(read).toBeLessThan(64);
  });
});

describe.each(guarded)('$method $path', (operation) => {
  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer  ',
    'Bearer a b',
    'Basic b3BlcmF0b3I6',
    'Bearer é',
    OPERATOR,
    `bearer${OPERATOR}`,
    `Bearer ${OPERATOR}, Bearer ${OPERATOR}`,
    `Bearer ${OPERATOR}\u0001`,
    `Bearer ${'x'.repeat(5_000)}`,
    `Token ${OPERATOR}`,
  ])('asks for a key when it is shown %j', async (authorization) => {
    const headers = new Headers();
    // What HTTP itself cannot carry does not arrive.
    if (authorization !== undefined && !/[^\x20-\xff]/.test(authorization)) headers.set('authorization', authorization);
    const answer = await api.app.request(address(operation.path), { method: operation.method, headers });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="observatory"');
    await expectProblem(answer, [401], operation);
  });

  test('refuses hostile names in its path', async () => {
    const [place] = /\{\w+\}/.exec(operation.path) ?? [];
    if (place === undefined) return;
    for (const name of [
      '%00',
      '%ff',
      '..%2f..%2fetc',
      "'%20or%201=1--",
      '%F0%9F',
      '-1',
      '1e9',
      'x'.repeat(4_000),
      '%',
    ]) {
      const path = operation.path.replace(place, name);
      await expectProblem(await send({ ...operation, path }, {}), [400, 404], operation);
    }
  });
});

test.each(
  guarded.filter(({ method, parameters }) => method === 'GET' && parameters?.some((one) => one.in === 'query')),
)('$method $path refuses queries that are none', async (operation) => {
  for (const query of ['limit=%00', 'cursor=%ff', 'depth=1e2', 'step=0x10', 'q=%00', 'unknown=1', '%zz=%zz']) {
    const answer = await send({ ...operation, path: `${operation.path}?${query}` }, {});
    await expectProblem(answer, [400], operation);
  }
});

test.each([
  '{"task":"x","metadata":{"__proto__":{"polluted":true}}}',
  '{"task":"x","metadata":{"deep":[{"__proto__":1}]}}',
  '{"task":"x","approvals":{"__proto__":"ask"}}',
])('refuses %s, which would be taken and forgotten', async (body) => {
  const start = withJson.find(({ operationId }) => operationId === 'startEpisode')!;
  await expectProblem(await send(start, { body, type: 'application/json' }), [400], start);
});

test('a batch of events: what is no batch is refused, and an event that is wrong is refused alone', async () => {
  const post = operations.find(({ operationId }) => operationId === 'postEvents')!;
  const event = JSON.stringify(eventOf(episode, 'ls_files_tool'));
  const of = (...events: string[]) =>
    send(post, { body: `{"events":[${events.join(',')}]}`, type: 'application/json' });
  for (const body of ['', 'null', '[]', '{', '{"events":[]}', '{"events":1}', bytes('{"events":["', [0xff], '"]}')])
    await expectProblem(await send(post, { body, type: 'application/json' }), [400], post);
  await expectProblem(await send(post, {}), [400, 415], post);
  await expectProblem(await send(post, { body: event, type: 'application/json-seq' }), [415], post);
  await expectProblem(await of('['.repeat(20_000) + ']'.repeat(20_000)), [400, 422], post);
  for (const wrong of [
    '1',
    'null',
    '{"__proto__":1}',
    event.replace('"v":1', '"v":9007199254740993'),
    event.replace('{', '{"x":1,'),
  ])
    await expectProblem(await of(wrong, event), [422], post);
  for (const text of [String.raw`"a\u0000b"`, String.raw`"a\ud83d"`]) {
    const answer = await of(JSON.stringify(eventOf(episode, 'run_command_tool')).replace('"ls -la"', text));
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as Loose).items).toMatchObject([{ sanitized: true }]);
  }
});

test('none of it was a failure of ours', () => {
  expect(api.logged.filter(({ event }) => event === 'request failed')).toEqual([]);
});
