import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { bodyOf, countTokens, REASONING, TURNS } from './six-forms.ts';
import type { Count, FormName, Message } from './six-forms.ts';

type Refusal = { status: number; body: unknown; headers?: Record<string, string> };

/** How one of the servers behaves, besides the form in which it answers. */
type Personality = {
  /** What it does not take of a conversation, in its own words. */
  refuses?: (messages: Message[]) => Refusal | undefined;
  /** What goes wrong, by the number of its request. */
  faults: Record<number, Refusal>;
};

/** Of a conversation that the server `vllm` takes, in its own tokens. */
const CONTEXT_TOKENS = 4_500;

const PERSONALITIES: Record<FormName, Personality> = {
  deepseek: {
    faults: { 1: { status: 429, headers: { 'retry-after': '1' }, body: { error: { message: 'Rate limit reached' } } } },
    refuses: (messages) => {
      const at = thoughtsIn(messages).findIndex((one, turn) => one.reasoning_content !== REASONING[turn]);
      const message = `Missing \`reasoning_content\` field in the assistant message at message index ${at}`;
      return at < 0 ? undefined : { status: 400, body: { error: { message, type: 'invalid_request_error' } } };
    },
  },
  gemini: {
    faults: {
      2: googleError(503, {
        status: 'UNAVAILABLE',
        message: 'The model is overloaded.',
        details: [{ retryDelay: '1s' }],
      }),
    },
    refuses: (messages) =>
      thoughtsIn(messages).every(({ tool_calls = [] }, turn) =>
        isDeepStrictEqual(tool_calls[0]?.extra_content, { google: { thought_signature: `signed-${turn}` } }),
      )
        ? undefined
        : googleError(400, { status: 'INVALID_ARGUMENT', message: 'Function call is missing a thought_signature.' }),
  },
  vllm: {
    faults: { 3: { status: 200, body: 'error in its stream' } },
    refuses: (messages) => {
      const asked = countTokens(messages);
      const message = `This model's maximum context length is ${CONTEXT_TOKENS} tokens. However, you requested ${asked} tokens. Please reduce the length of the messages.`;
      return asked <= CONTEXT_TOKENS
        ? undefined
        : { status: 400, body: { object: 'error', message, type: 'BadRequestError', param: null, code: 400 } };
    },
  },
  ollama: {
    faults: { 1: { status: 503, body: { error: { message: 'llm server loading model', type: 'api_error' } } } },
    refuses: (messages) =>
      messages.every(({ content }) => content === null || typeof content === 'string')
        ? undefined
        : { status: 400, body: { error: { message: 'invalid message content type', type: 'invalid_request_error' } } },
  },
  openrouter: {
    faults: {
      1: { status: 200, body: { error: { code: 429, message: 'Provider is busy: retry in 1 second' }, user_id: 'u' } },
      3: { status: 200, body: 'error in its choice' },
    },
    refuses: (messages) =>
      thoughtsIn(messages).every(({ reasoning_details }, turn) =>
        isDeepStrictEqual(reasoning_details, [
          { type: 'reasoning.text', text: REASONING[turn], index: 0, signature: `signed-${turn}` },
        ]),
      )
        ? undefined
        : { status: 400, body: { error: { code: 400, message: 'Invalid reasoning_details: signature mismatch' } } },
  },
  mistral: {
    faults: { 2: { status: 500, body: { detail: 'Internal server error' } } },
    refuses: (messages) => {
      const refuse = (message: unknown) => ({ status: 400, body: { object: 'error', message, code: '3230' } });
      const after = messages.findIndex(({ role }, at) => role === 'user' && messages[at - 1]?.role === 'tool');
      if (after >= 0) return refuse("Unexpected role 'user' after role 'tool'");
      const ids = messages.flatMap(({ tool_calls = [] }) => tool_calls.map(({ id }) => id));
      const wrong = ids.find((id) => !/^[a-zA-Z0-9]{9}$/.test(id));
      if (wrong !== undefined)
        return refuse({ detail: [{ msg: `Tool call id was ${wrong} but must have a length of 9.` }] });
      const whole = thoughtsIn(messages).every(({ content }, turn) =>
        isDeepStrictEqual((content as unknown[])[0], {
          type: 'thinking',
          thinking: [{ type: 'text', text: REASONING[turn] }],
        }),
      );
      return whole ? undefined : refuse('Thinking chunks must be sent back unchanged');
    },
  },
};

/** Six servers of models under one address, each with a mind and a form of its own, which count what they are asked and say. */
export type SixServers = AsyncDisposable & {
  base_url: (name: FormName) => string;
  /** All tokens that this server says that it used. */
  counted: (name: FormName) => Count;
  /** What this server refused, in its words. */
  refused: (name: FormName) => string[];
  requests: (name: FormName) => number;
};

/** Starts the six. Each plays an engineer that writes, looks, reviews and approves, and refuses what such servers refuse. */
export async function startSixServers(): Promise<SixServers> {
  const names = Object.keys(PERSONALITIES) as FormName[];
  const books = new Map(names.map((name) => [name, { requests: 0, counted: newCount(), refused: [] as string[] }]));
  const bookOf = (name: FormName) => {
    const book = books.get(name);
    if (!book) throw new Error(`there is no server ${name}`);
    return book;
  };
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const name = request.url?.split('/')[1] as FormName;
    const book = bookOf(name);
    const { messages } = JSON.parse(await textOf(request)) as { messages: Message[] };
    book.requests += 1;
    const { faults, refuses } = PERSONALITIES[name];
    const strict = unlawful(messages);
    const refusal = strict ? { status: 400, body: { error: { message: strict } } } : refuses?.(messages);
    if (refusal) book.refused.push(JSON.stringify(refusal.body));
    const fault = faults[book.requests];
    const ready = refusal ?? (typeof fault?.body === 'string' ? undefined : fault);
    if (ready) {
      response.writeHead(ready.status, { 'content-type': 'application/json', ...ready.headers });
      response.end(JSON.stringify(ready.body));
      return;
    }
    const turn = Math.min(thoughtsIn(messages).length, TURNS.length - 1);
    const answer = bodyOf(name, { turn, messages, request: book.requests, broken: fault !== undefined });
    for (const kind of Object.keys(book.counted) as (keyof Count)[]) book.counted[kind] += answer.count[kind];
    response.writeHead(200, { 'content-type': answer.content_type });
    response.end(answer.body);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    base_url: (name) => `http://127.0.0.1:${port}/${name}/v1`,
    counted: (name) => bookOf(name).counted,
    refused: (name) => bookOf(name).refused,
    requests: (name) => bookOf(name).requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

const newCount = (): Count => ({ input: 0, cached: 0, output: 0, reasoning: 0 });

/** The assistant's messages that ask for calls: as many turns are over. */
const thoughtsIn = (messages: Message[]) =>
  messages.filter(({ role, tool_calls = [] }) => role === 'assistant' && tool_calls.length > 0);

/** What every strict server refuses of a conversation; undefined where there is nothing. */
function unlawful(messages: Message[]): string | undefined {
  if (messages[0]?.role !== 'system') return 'the first message must be of the system';
  for (const [at, { role, content, tool_calls = [], tool_call_id }] of messages.entries()) {
    if (role === 'assistant' && tool_calls.length === 0 && !content) return `message ${at} is empty`;
    if (role === 'tool' && !messages.slice(0, at).some((one) => one.tool_calls?.some(({ id }) => id === tool_call_id)))
      return `message ${at} answers no call`;
    const results = messages.slice(at + 1, at + 1 + tool_calls.length);
    if (
      !isDeepStrictEqual(
        results.map((one) => one.tool_call_id),
        tool_calls.map(({ id }) => id),
      )
    )
      return `an assistant message with 'tool_calls' must be followed by tool messages (message ${at})`;
    for (const { function: asked } of tool_calls)
      if (typeof JSON.parse(asked.arguments) !== 'object') return `the arguments of message ${at} are no JSON object`;
  }
  return undefined;
}

/** An error as Google writes it: in a list. */
function googleError(code: number, error: { status: string; message: string; details?: object[] }): Refusal {
  return { status: code, body: [{ error: { code, ...error } }] };
}
