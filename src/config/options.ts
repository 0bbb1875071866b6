import { z } from 'zod';
import { ModelPrices } from '../schemas/model.ts';
import { OwnAgent } from '../schemas/own-agent.ts';
import { boundedText } from '../schemas/primitives.ts';

// What `observatory.config.ts` may hold. Whatever else it holds is a mistake, and is named.

/** What conversations may hold unless told otherwise: most models take this many tokens in. */
export const CONTEXT_TOKENS_DEFAULT = 128_000;
/** How long an endpoint that is away or busy is waited for, unless told otherwise. */
export const WAIT_S_DEFAULT = 1_800;

const Name = boundedText(1, 100).regex(/^[^\s:]+$/, 'must be a name without spaces and colons');
const ModelName = boundedText(1, 200);
const httpUrl = z.string().refine(isHttpUrl, 'must be an http(s) URL without a user, password or query');
const header = z.string().regex(/^[\x20-\x7e]*$/, 'must be printable ASCII');
const tokens = (min: number) => z.number().int().min(min).max(10_000_000);

/** How a model is asked, and what conversations it takes. */
const settings = {
  temperature: z.number().min(0).max(10).optional(),
  max_output_tokens: tokens(1).optional(),
  /** In the endpoint's words: low, medium, high and others. */
  reasoning_effort: boundedText(1, 50).optional(),
  stop: z.array(boundedText(1, 200)).max(16).optional(),
  /** Further members of the request; null takes one of ours away. */
  body: z.record(z.string(), z.unknown()).optional(),
  context_tokens: tokens(1_000).optional(),
  images: z.boolean().optional(),
  /** Whether answers are streamed. */
  stream: z.boolean().optional(),
  /** Which reasoning goes back to the endpoint: that of messages with calls (what thinking modes want), all, or none. */
  reasoning_back: z.enum(['with_calls', 'always', 'never']).optional(),
  /** Members of the endpoint's messages that go back as they were, besides those that are known to. */
  send_back: z.array(boundedText(1, 100)).max(50).optional(),
  /** Whether messages of one role in a row are joined, for templates that demand turns. */
  alternate_roles: z.boolean().optional(),
};

/** A model of an endpoint. What is not said is as the endpoint's own settings say. */
const ModelOptions = z.strictObject({ ...settings, model: ModelName.optional() });

/** An OpenAI-compatible endpoint with its models by the names that episodes call them by. */
export const EndpointOptions = z.strictObject({
  ...settings,
  base_url: httpUrl,
  api_key: z.string().optional(),
  /** The variable of the environment that holds the key. */
  api_key_variable: boundedText(1, 200).optional(),
  headers: z.record(z.string().regex(/^[\w-]+$/, 'must be the name of a header'), header).optional(),
  prices: ModelPrices.optional(),
  wait_s: z.number().min(0).max(86_400).optional(),
  concurrency: z.number().int().min(1).max(10_000).optional(),
  requests_per_minute: z.number().int().min(1).max(1_000_000).optional(),
  models: z.record(Name, ModelOptions).optional(),
});
export type EndpointOptions = z.infer<typeof EndpointOptions>;

/** The models of a deployment; `default` is what episodes think with that name none. */
const ModelsOptions = z.strictObject({ default: z.string().optional(), endpoints: z.record(Name, EndpointOptions) });

/** The whole of `observatory.config.ts`. */
export const Options = z.strictObject({
  models: ModelsOptions.optional(),
  agents: z.array(OwnAgent).max(1_000).superRefine(refuseDoubles).optional(),
});
export type Options = z.infer<typeof Options>;

/** Names are what episodes and records call agents by, and agents their tools. */
function refuseDoubles(agents: readonly OwnAgent[], context: z.RefinementCtx): void {
  const refuse = (path: (string | number)[], name: string) =>
    context.addIssue({ code: 'custom', path, message: `there is another ${name}` });
  for (const [at, { name, tools }] of agents.entries()) {
    if (agents.findIndex((one) => one.name === name) < at) refuse([at, 'name'], name);
    for (const [index, tool] of tools.entries())
      if (tools.findIndex((one) => one.name === tool.name) < index) refuse([at, 'tools', index, 'name'], tool.name);
  }
}

function isHttpUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password, search, hash } = new URL(value);
  return ['http:', 'https:'].includes(protocol) && !username && !password && !search && !hash;
}
