import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What the server answers to one request: a streamed message, or part of one, or an error. */
export type Reply = {
  text?: string;
  /** Arguments are sent as they stand when they are a text. */
  calls?: { name: string; args: unknown; id?: string; index?: number }[];
  /** Tokens of the prompt (of which cached) and of the answer; null says nothing of them. */
  usage?: { input: number; cached?: number; output: number } | null;
  /** Sends the usage with every piece, as some endpoints do. */
  usage_always?: boolean;
  finish_reason?: string;
  /** Leaves out the role, as some endpoints do. */
  no_role?: boolean;
  fault?: Fault;
  /** Answers when this resolves. */
  after?: Promise<void>;
};

/** An HTTP error, or what goes wrong with the stream after half of the message. */
export type Fault =
  | { status: number; headers?: Record<string, string>; body?: unknown }
  | 'broken_json'
  | 'error_event'
  | 'cut'
  | 'reset'
  | 'silence'
  | 'hang';

/** A request as the server got it. */
export type ChatRequest = {
  model: string;
  messages: { role: string; content: unknown; tool_call_id?: string; tool_calls?: unknown[] }[];
  tools?: { function: { name: string } }[];
  authorization: string | undefined;
};

/** A server that speaks chat completions, with what it was asked so far. */
export type ModelServer = AsyncDisposable & { base_url: string; requests: ChatRequest[] };

/** How small the pieces of text and arguments are that are streamed, in characters. */
const PIECE_CHARS = 7;

/** Starts a server that gives these answers, one a request, in this order; what comes after them is answered with 501. */
export async function startModelServer(replies: readonly Reply[]): Promise<ModelServer> {
  const requests: ChatRequest[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const asked = JSON.parse(await text(request)) as Omit<ChatRequest, 'authorization'>;
    const count = requests.push({ ...asked, authorization: request.headers.authorization });
    const reply = replies[count - 1] ?? { fault: { status: 501 } };
    await reply.after;
    answer(response, reply);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    base_url: `http://127.0.0.1:${port}/v1`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function answer(response: ServerResponse, reply: Reply): void {
  const { fault } = reply;
  if (fault === 'hang') return;
  if (typeof fault === 'object') {
    response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
    response.end(typeof fault.body === 'string' ? fault.body : JSON.stringify(fault.body ?? {}));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const pieces = piecesOf(reply).map((piece) => `data: ${JSON.stringify(piece)}\n\n`);
  if (fault === undefined) {
    response.end(`${pieces.join('')}data: [DONE]\n\n`);
    return;
  }
  const half = pieces.slice(0, Math.ceil(pieces.length / 2)).join('');
  if (fault === 'broken_json') response.end(`${half}data: {"choices": [{"delta": {"content": "x\n\n`);
  else if (fault === 'error_event') response.end(`${half}data: {"error": {"message": "the model fell over"}}\n\n`);
  else if (fault === 'cut') response.end(half);
  else response.write(half, () => fault === 'reset' && response.destroy());
}

function piecesOf(reply: Reply): object[] {
  const {
    usage = { input: 10, output: 5 },
    calls = [],
    finish_reason = calls.length > 0 ? 'tool_calls' : 'stop',
  } = reply;
  const account = usage && {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cached ?? 0 },
  };
  const piece = (delta: object, finish: string | null = null) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...(reply.usage_always && { usage: account }),
  });
  const called = calls.flatMap(({ name, args, id, index }, place) => {
    const at = index ?? place;
    const written = typeof args === 'string' ? args : JSON.stringify(args);
    const first = { index: at, id: id ?? `call_${place + 1}`, type: 'function', function: { name, arguments: '' } };
    const rest = cut(written).map((part) => ({ index: at, function: { arguments: part } }));
    return [first, ...rest].map((tool_call) => piece({ tool_calls: [tool_call] }));
  });
  return [
    ...(reply.no_role ? [] : [piece({ role: 'assistant', content: '' })]),
    ...cut(reply.text ?? '').map((content) => piece({ content })),
    ...called,
    piece({}, finish_reason),
    ...(account ? [{ id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [], usage: account }] : []),
  ];
}

const cut = (whole: string): string[] => whole.match(new RegExp(`[^]{1,${PIECE_CHARS}}`, 'g')) ?? [];
