import { AppError } from '../errors.ts';
import type { EndpointModel, EndpointTarget, ModelsConfig, ModelSettings } from '../schemas/model.ts';
import { CONTEXT_TOKENS_DEFAULT, WAIT_S_DEFAULT } from './options.ts';
import type { EndpointOptions, Options } from './options.ts';
import { Secret } from './secret.ts';
import type { Variables } from './variables.ts';

/** The endpoint that the environment's variables describe. */
const ENVIRONMENT_ENDPOINT = 'openai';

/**
 * The models that file and environment describe together. Throws `invalid_argument` where both name the same endpoint, a
 * default is none of them, or a key's variable is not set.
 */
export function modelsConfig(
  { models }: Pick<Options, 'models'>,
  variables: Variables,
  env: Record<string, string | undefined>,
): ModelsConfig {
  const endpoints = new Map(Object.entries(models?.endpoints ?? {}));
  const own = endpointOfVariables(variables);
  if (own && endpoints.has(ENVIRONMENT_ENDPOINT))
    throw refusal(`MODEL_BASE_URL and models.endpoints.${ENVIRONMENT_ENDPOINT} describe the same endpoint: keep one.`);
  if (own) endpoints.set(ENVIRONMENT_ENDPOINT, own);
  const targets: Record<string, EndpointTarget> = {};
  const named = new Map<string, EndpointModel>();
  const short = new Map<string, EndpointModel | undefined>();
  for (const [endpoint, options] of endpoints) {
    const target = toTarget(endpoint, options, env);
    targets[endpoint] = target;
    for (const [name, { model = name, ...settings }] of Object.entries(options.models ?? {})) {
      const full = { ...target, ...given(settings), name: model, body: { ...target.body, ...settings.body } };
      named.set(`${endpoint}:${name}`, full);
      short.set(name, short.has(name) ? undefined : full);
    }
  }
  for (const [name, model] of short) if (model) named.set(name, model);
  const fallback =
    variables.MODEL_NAME === undefined ? onlyOf(named) : `${ENVIRONMENT_ENDPOINT}:${variables.MODEL_NAME}`;
  const chosen = models?.default ?? fallback;
  const config = { default: chosen, named: Object.fromEntries(named), endpoints: targets };
  const [prefix = '', ...rest] = chosen?.split(':') ?? [];
  const known = chosen === undefined || named.has(chosen) || (rest.join(':') !== '' && prefix in targets);
  if (!known)
    throw refusal(
      `models.default is ${chosen}, which is none: there is ${[...named.keys()].join(', ') || 'no model'}.`,
    );
  return config;
}

/** The name of the one model that there is, by its short name; undefined where there are several, or none. */
function onlyOf(named: ReadonlyMap<string, EndpointModel>): string | undefined {
  const models = new Set(named.values());
  return models.size === 1 ? [...named.keys()].at(-1) : undefined;
}

function toTarget(endpoint: string, options: EndpointOptions, env: Record<string, string | undefined>): EndpointTarget {
  const { models: _, api_key, api_key_variable, headers = {}, ...rest } = options;
  const settings: ModelSettings = {
    ...given(rest),
    body: rest.body ?? {},
    context_tokens: rest.context_tokens ?? CONTEXT_TOKENS_DEFAULT,
    images: rest.images ?? false,
    stream: rest.stream ?? true,
    reasoning_back: rest.reasoning_back ?? 'with_calls',
    send_back: rest.send_back ?? [],
    alternate_roles: rest.alternate_roles ?? false,
  };
  const key = api_key ?? (api_key_variable === undefined ? undefined : env[api_key_variable]);
  if (api_key_variable !== undefined && !key)
    throw refusal(`models.endpoints.${endpoint}.api_key_variable names ${api_key_variable}, which is not set.`);
  return {
    ...settings,
    endpoint,
    base_url: rest.base_url,
    api_key: key ? new Secret(key) : undefined,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, new Secret(value)])),
    prices: rest.prices ?? {},
    wait_s: rest.wait_s ?? WAIT_S_DEFAULT,
    concurrency: rest.concurrency,
    requests_per_minute: rest.requests_per_minute,
  };
}

/** The members that are there: undefined ones would hide the endpoint's. */
const given = <T extends object>(settings: T) =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

function endpointOfVariables(variables: Variables): EndpointOptions | undefined {
  const { MODEL_BASE_URL, MODEL_NAME } = variables;
  if (!MODEL_BASE_URL || !MODEL_NAME) return undefined;
  return {
    base_url: MODEL_BASE_URL,
    api_key: variables.MODEL_API_KEY,
    prices: variables.MODEL_PRICES,
    context_tokens: variables.MODEL_CONTEXT_TOKENS,
    images: variables.MODEL_IMAGES,
    stream: variables.MODEL_STREAM,
    wait_s: variables.MODEL_WAIT_S,
    alternate_roles: variables.MODEL_ALTERNATE_ROLES,
    reasoning_effort: variables.MODEL_REASONING_EFFORT,
    temperature: variables.MODEL_TEMPERATURE,
    max_output_tokens: variables.MODEL_MAX_OUTPUT_TOKENS,
  };
}

const refusal = (why: string) => new AppError('invalid_argument', `Configuration: ${why}`);
