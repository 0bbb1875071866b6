import { convertMessagesToCompletionsMessageParams, OpenAIClient } from '@langchain/openai';
import type { BaseMessage } from '@langchain/core/messages';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import type { ModelPrices } from '../../schemas/model.ts';
import { Count } from '../../schemas/primitives.ts';
import type { Usage } from '../../schemas/step.ts';
import { fromEndpointError } from './endpoint-errors.ts';
import type { Model, Said, ThinkOptions } from './model.ts';
import { costOf, findPrice } from './prices.ts';
import type { TokenCount } from './prices.ts';
import { addPiece, CALLS_PER_THOUGHT_MAX, finishCalls } from './tool-calls.ts';

/** An OpenAI-compatible endpoint, as the configuration gives it. `name` is its default model. */
export type ModelEndpoint = {
  base_url: string;
  api_key: { reveal: () => string } | undefined;
  name: string;
  prices: ModelPrices;
  /** What a conversation may hold, counted as `CHARS_PER_TOKEN` characters a token. */
  context_tokens: number;
  /** Whether its models take pictures. */
  images: boolean;
};

/** How long an endpoint may say nothing (reasoning is silent), and how long one answer may take in all. */
const ENDPOINT_TIMES = { silence_ms: 300_000, answer_ms: 1_200_000 };
/** Far above what models can say at once: an answer that goes on and on is stopped. In UTF-16 units. */
const ANSWER_CHARS_MAX = 4_000_000;
/** English and code come to about four; three leaves room for the tools' descriptions and the answer. */
const CHARS_PER_TOKEN = 3;
/** The SDK wants a key even where the endpoint does not. */
const NO_KEY = 'none';

/**
 * One model of the endpoint, asked by chat completions (streamed, one request a thought, never retried here). The stream
 * is read as it is sent: LangChain's `ChatOpenAI` on top of it repairs arguments that were cut off, and loses the calls
 * of endpoints that leave the role out.
 */
export function createEndpointModel(endpoint: ModelEndpoint, name: string, times = ENDPOINT_TIMES): Model {
  const key = endpoint.api_key?.reveal();
  const client = new OpenAIClient({
    baseURL: endpoint.base_url,
    apiKey: key ?? NO_KEY,
    maxRetries: 0,
    timeout: times.answer_ms,
    // The SDK's own variables are none of our configuration, and it would print answers that it cannot read.
    organization: null,
    project: null,
    logLevel: 'off',
  });
  const price = findPrice(name, endpoint.prices);
  const usageOf = ({ input_tokens, cached_tokens, output_tokens }: TokenCount): Usage => ({
    input_tokens,
    output_tokens,
    usd: price ? costOf(price, { input_tokens, cached_tokens, output_tokens }) : 0,
  });

  return {
    conversation_chars_max: endpoint.context_tokens * CHARS_PER_TOKEN,
    sees_images: endpoint.images,
    // Nothing else is set: sampling is as the endpoint has it.
    parameters: { stream: 'true', context_tokens: endpoint.context_tokens },
    async think(messages, { tools, signal }) {
      const heard = newHearing();
      try {
        await listen(client, { name, messages, tools, signal, heard, times });
      } catch (thrown) {
        const error = signal.aborted
          ? broken('cancelled', 'the model was told to stop')
          : thrown instanceof AppError
            ? thrown
            : fromEndpointError(thrown, key ? [key] : [], Date.now());
        if (!heard.tokens) throw error;
        const { usage_unknown: _, ...details } = error.details;
        throw new AppError(error.code, error.message, { details: { ...details, ...usageOf(heard.tokens) } });
      }
      const said: Said = {
        text: heard.text,
        tool_calls: finishCalls(heard.calls),
        usage: heard.tokens ? usageOf(heard.tokens) : null,
      };
      return price ? said : { ...said, usd_unknown: true };
    },
  };
}

/** What has been heard of an answer so far. */
type Hearing = {
  text: string;
  calls: Parameters<typeof addPiece>[0];
  chars: number;
  tokens: TokenCount | undefined;
  finished: boolean;
};
const newHearing = (): Hearing => ({ text: '', calls: [], chars: 0, tokens: undefined, finished: false });

type Listening = ThinkOptions & {
  name: string;
  messages: BaseMessage[];
  heard: Hearing;
  times: typeof ENDPOINT_TIMES;
};

/** Takes one streamed answer in; throws unless it is whole. */
async function listen(client: OpenAIClient, { name, messages, tools, signal, heard, times }: Listening): Promise<void> {
  const late = new AbortController();
  const stop = (said: string) => late.abort(failed(`the model ${said}`));
  const silence = setTimeout(() => stop(`said nothing for ${times.silence_ms / 1000} s`), times.silence_ms);
  const answer = setTimeout(() => stop(`did not end within ${times.answer_ms / 1000} s`), times.answer_ms);
  try {
    const either = AbortSignal.any([signal, late.signal]);
    const stream = await client.chat.completions.create(
      {
        model: name,
        messages: convertMessagesToCompletionsMessageParams({ messages, model: name }),
        ...(tools.length > 0 && { tools }),
        stream: true,
        stream_options: { include_usage: true },
      },
      { signal: either },
    );
    for await (const chunk of stream) {
      silence.refresh();
      take(heard, chunk);
    }
    // An aborted stream may also just end.
    either.throwIfAborted();
  } catch (thrown) {
    late.signal.throwIfAborted();
    throw thrown;
  } finally {
    clearTimeout(silence);
    clearTimeout(answer);
  }
  if (!heard.finished) throw failed("the model's answer broke off before it was complete");
}

function take(heard: Hearing, { choices, usage }: OpenAIClient.Chat.Completions.ChatCompletionChunk): void {
  heard.tokens = tokensOf(usage) ?? heard.tokens; // where it is streamed with every piece, it is the sum so far
  const [choice] = choices ?? [];
  if (choice?.finish_reason) heard.finished = true;
  const { content, tool_calls } = choice?.delta ?? {};
  heard.text += content ?? '';
  heard.chars += content?.length ?? 0;
  for (const { index, id, function: asked } of tool_calls ?? []) {
    addPiece(heard.calls, { index, id, name: asked?.name, args: asked?.arguments });
    heard.chars += asked?.arguments?.length ?? 0;
  }
  if (heard.chars > ANSWER_CHARS_MAX) throw failed(`the model's answer exceeds ${ANSWER_CHARS_MAX} characters`);
  if (heard.calls.length > CALLS_PER_THOUGHT_MAX)
    throw failed(`the model asks for more than ${CALLS_PER_THOUGHT_MAX} calls at once`);
}

const broken = (code: ErrorCode, message: string) => new AppError(code, message, { details: { usage_unknown: true } });
const failed = (message: string) => broken('model_failed', message);

/** An endpoint's own account of an answer (`cached_tokens` are among the prompt's). */
const EndpointUsage = z
  .object({
    prompt_tokens: Count,
    completion_tokens: Count,
    prompt_tokens_details: z.object({ cached_tokens: Count.nullish() }).nullish(),
  })
  .transform(({ prompt_tokens, completion_tokens, prompt_tokens_details: details }) => ({
    input_tokens: prompt_tokens,
    cached_tokens: Math.min(details?.cached_tokens ?? 0, prompt_tokens),
    output_tokens: completion_tokens,
  }));

const tokensOf = (usage: unknown): TokenCount | undefined => EndpointUsage.safeParse(usage).data;
