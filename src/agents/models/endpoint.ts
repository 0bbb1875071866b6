import type { BaseMessage } from '@langchain/core/messages';
import { Agent, fetch } from 'undici';
import { AppError } from '../../errors.ts';
import type { EndpointModel } from '../../schemas/model.ts';
import type { Usage } from '../../schemas/step.ts';
import { finish, hear, newHearing } from './answer.ts';
import type { Hearing } from './answer.ts';
import { toChatMessages } from './chat-messages.ts';
import { endpointAway, endpointFailed, faultOfAnswer } from './endpoint-errors.ts';
import type { Model, ThinkOptions } from './model.ts';
import { readPieces } from './pieces.ts';
import { costOf, findPrice } from './prices.ts';
import type { TokenCount } from './usage.ts';

/** How long an endpoint may say nothing (reasoning is silent), and how long one answer may take in all. */
const ENDPOINT_TIMES = { silence_ms: 300_000, answer_ms: 1_200_000 };
/** English and code come to about four; three leaves room for the tools' descriptions and the answer. */
const CHARS_PER_TOKEN = 3;
/** An error's words are read up to here. */
const ERROR_BYTES_MAX = 64 * 1024;

/**
 * One model of an endpoint that speaks chat completions in any of their forms: one request a thought, never retried here.
 * Whatever the answer's shape, what leaves is an answer or an `AppError` whose details say that the endpoint is its origin.
 */
export function createEndpointModel(model: EndpointModel, times = ENDPOINT_TIMES): Model {
  const price = findPrice(model.name, model.prices);
  const usageOf = (tokens: TokenCount): Usage => ({ ...tokens, usd: price ? costOf(price, tokens) : null });
  const provider = providerOf(model);

  return {
    conversation_chars_max: model.context_tokens * CHARS_PER_TOKEN,
    sees_images: model.images,
    parameters: parametersOf(model),
    async think(messages, options) {
      const heard = newHearing();
      try {
        await listen({ model, messages, options, heard, times, provider });
        const said = finish(heard, provider);
        const answer = said.answer && { ...said.answer, endpoint: model.endpoint };
        return { ...said, ...(answer && { answer }), usage: heard.tokens ? usageOf(heard.tokens) : null };
      } catch (thrown) {
        const error = options.signal.aborted ? stopped() : asFault(thrown);
        const { usage_unknown, ...details } = error.details;
        // An answer that had begun was paid for, however it ended.
        const unknown = usage_unknown === true || heard.chosen ? { usage_unknown: true } : {};
        const used = heard.tokens ? usageOf(heard.tokens) : unknown;
        const message = withoutSecrets(error.message, model);
        // No cause: Temporal would store that one's message as it is.
        throw new AppError(error.code, message, { details: { ...details, ...used, wait_s: model.wait_s } });
      }
    },
  };
}

/** Whoever is asked under this address: what it wants back goes to it alone. */
const providerOf = ({ base_url }: Pick<EndpointModel, 'base_url'>): string => {
  const { origin, pathname } = new URL(base_url);
  return origin + pathname.replace(/\/+$/, '');
};

type Listening = {
  model: EndpointModel;
  messages: BaseMessage[];
  options: ThinkOptions;
  heard: Hearing;
  times: typeof ENDPOINT_TIMES;
  provider: string;
};

/** Takes one answer in; throws unless it came to its end. */
async function listen({ model, messages, options, heard, times, provider }: Listening): Promise<void> {
  const late = new AbortController();
  const stop = (said: string) => late.abort(endpointFailed(`the model ${said}`));
  const silence = setTimeout(() => stop(`said nothing for ${times.silence_ms / 1000} s`), times.silence_ms);
  const answer = setTimeout(() => stop(`did not end within ${times.answer_ms / 1000} s`), times.answer_ms);
  // Its own bounds are off: ours say what happened.
  const connection = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  try {
    const signal = AbortSignal.any([options.signal, late.signal]);
    const form = { provider, reasoning_back: model.reasoning_back, alternate_roles: model.alternate_roles };
    const request = { ...bodyOf(model, options), messages: toChatMessages(messages, form) };
    const response = await fetch(`${model.base_url.replace(/\/+$/, '')}/chat/completions`, {
      method: 'POST',
      headers: headersOf(model),
      body: JSON.stringify(request),
      signal,
      dispatcher: connection,
      redirect: 'manual', // a key is for whom it is configured for
    });
    if (!response.ok) throw faultOfAnswer(response, await beginningOf(response.body), Date.now());
    await takeIn(response.body ?? nothing(), { heard, model, options, silence });
    // An aborted stream may also just end.
    signal.throwIfAborted();
  } catch (thrown) {
    late.signal.throwIfAborted();
    throw thrown;
  } finally {
    clearTimeout(silence);
    clearTimeout(answer);
    await connection.destroy();
  }
}

async function takeIn(
  body: AsyncIterable<Uint8Array>,
  { heard, model, options, silence }: Pick<Listening, 'heard' | 'model' | 'options'> & { silence: NodeJS.Timeout },
): Promise<void> {
  for await (const piece of readPieces(body, () => silence.refresh())) {
    if (piece === 'done') {
      heard.finished = true;
      continue; // some count tokens after it
    }
    const { text, reasoning } = heard;
    hear(heard, piece.value, model.send_back);
    if (heard.reasoning.length > reasoning.length)
      options.hear?.({ kind: 'reasoning', text: heard.reasoning.slice(reasoning.length) });
    if (heard.text.length > text.length) options.hear?.({ kind: 'text', text: heard.text.slice(text.length) });
  }
}

function headersOf({ api_key, headers }: EndpointModel): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: 'text/event-stream, application/json',
    ...(api_key && { authorization: `Bearer ${api_key.reveal()}` }),
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()])),
  };
}

/** The request but for its messages; a member of the configured body that is null takes ours away. */
function bodyOf(model: EndpointModel, { tools }: Pick<ThinkOptions, 'tools'>): Record<string, unknown> {
  const { temperature, max_output_tokens, reasoning_effort, stop } = model;
  const body = {
    model: model.name,
    ...(tools.length > 0 && { tools }),
    stream: model.stream,
    ...(model.stream && { stream_options: { include_usage: true } }),
    ...(temperature !== undefined && { temperature }),
    ...(max_output_tokens !== undefined && { [outputMember(model)]: max_output_tokens }),
    ...(reasoning_effort !== undefined && { reasoning_effort }),
    ...(stop && { stop }),
    ...model.body,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

/** OpenAI's newer models refuse the old name, other servers do not know the new one. */
const outputMember = ({ base_url }: EndpointModel) =>
  new URL(base_url).hostname.endsWith('openai.com') ? 'max_completion_tokens' : 'max_tokens';

function parametersOf(model: EndpointModel): Model['parameters'] {
  const { temperature, max_output_tokens, reasoning_effort, stop } = model;
  return {
    endpoint: model.endpoint,
    stream: String(model.stream),
    context_tokens: model.context_tokens,
    ...(temperature !== undefined && { temperature }),
    ...(max_output_tokens !== undefined && { max_output_tokens }),
    ...(reasoning_effort !== undefined && { reasoning_effort }),
    ...(stop && { stop: JSON.stringify(stop) }),
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** The beginning of an error's text; an answer that breaks off while it is read is told as far as it came. */
async function beginningOf(body: AsyncIterable<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const bytes of body ?? nothing()) {
      chunks.push(bytes);
      length += bytes.length;
      if (length >= ERROR_BYTES_MAX) break;
    }
  } catch {
    // The status has been heard: that is what counts.
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Anything that asking throws as a fault of the endpoint. */
function asFault(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const cause = error.cause instanceof Error ? error.cause : error;
  const { code } = AppError.from(cause);
  const reason = (cause as { code?: unknown }).code;
  const words = [
    cause.message || error.message,
    typeof reason === 'string' && !cause.message.includes(reason) && reason,
  ];
  const said = words.filter(Boolean).join(' ');
  return code === 'unavailable' && !/terminated/.test(error.message)
    ? endpointAway(said)
    : endpointFailed(`the model's answer broke off: ${said}`);
}

const stopped = () => new AppError('cancelled', 'the model was told to stop', { details: { usage_unknown: true } });

function withoutSecrets(text: string, { api_key, headers }: EndpointModel): string {
  let shown = text;
  for (const secret of [api_key, ...Object.values(headers)]) {
    const value = secret?.reveal();
    if (value) shown = shown.replaceAll(value, '[redacted]');
  }
  // Endpoints repeat a wrong key with stars in its middle.
  return shown.replaceAll(/\b(sk-|Bearer )[\w*.-]+/g, '[redacted]');
}
