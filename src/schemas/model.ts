import { z } from 'zod';
import { boundedText } from './primitives.ts';

const usdPerMillion = z.number().min(0).max(10_000);

/** What a model costs, in US dollars per million tokens. `cached` is the part of the input that the endpoint had cached. */
export const ModelPrice = z.strictObject({ input: usdPerMillion, cached: usdPerMillion, output: usdPerMillion });
export type ModelPrice = z.infer<typeof ModelPrice>;

/** Prices by a model's name at its endpoint. */
export const ModelPrices = z.record(boundedText(1, 200), ModelPrice);
export type ModelPrices = z.infer<typeof ModelPrices>;

/** A value that prints as nothing and is read on purpose. */
type Hidden = { readonly reveal: () => string };

/** How a model is asked, and what conversations it takes. */
export type ModelSettings = {
  readonly temperature?: number | undefined;
  readonly max_output_tokens?: number | undefined;
  readonly reasoning_effort?: string | undefined;
  readonly stop?: readonly string[] | undefined;
  /** Members of the request besides ours; null takes one of ours away. */
  readonly body: { readonly [name: string]: unknown };
  /** What a conversation may hold, in tokens. */
  readonly context_tokens: number;
  /** Whether the model takes pictures. */
  readonly images: boolean;
  /** Whether answers are streamed. */
  readonly stream: boolean;
  /** Which reasoning goes back in the member that it came in: that of messages with calls, all, or none. */
  readonly reasoning_back: 'with_calls' | 'always' | 'never';
  /** Members of the endpoint's messages that go back as they were, besides those that are known to. */
  readonly send_back: readonly string[];
  /** Whether messages of one role in a row are joined, for templates that demand turns. */
  readonly alternate_roles: boolean;
};

/** An OpenAI-compatible endpoint. */
export type Endpoint = {
  /** Its name in our configuration. */
  readonly endpoint: string;
  readonly base_url: string;
  readonly api_key: Hidden | undefined;
  readonly headers: { readonly [name: string]: Hidden };
  /** By the model's name at the endpoint. */
  readonly prices: ModelPrices;
  /** How long an endpoint that is away or busy is waited for, in seconds. */
  readonly wait_s: number;
  /** How many requests one worker process has open there at a time; undefined: any number. */
  readonly concurrency: number | undefined;
  /** How many requests one worker process begins there a minute; undefined: any number. */
  readonly requests_per_minute: number | undefined;
};

/** An endpoint with the settings that its models have unless they say otherwise. */
export type EndpointTarget = Endpoint & ModelSettings;

/** One model at its endpoint; `name` is the endpoint's own for it. */
export type EndpointModel = EndpointTarget & { readonly name: string };

/** The models of a deployment besides the scripted ones. */
export type ModelsConfig = {
  /** What episodes think with that name none: a name below, or `ENDPOINT:NAME`; undefined where nothing is configured. */
  readonly default: string | undefined;
  /** By the names that episodes call them by: `ENDPOINT:NAME`, and `NAME` where no other endpoint has one of that name. */
  readonly named: { readonly [name: string]: EndpointModel };
  /** By their names: any other model of theirs may be asked for as `ENDPOINT:NAME`. */
  readonly endpoints: { readonly [endpoint: string]: EndpointTarget };
};
