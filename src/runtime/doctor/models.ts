import { HumanMessage } from '@langchain/core/messages';
import { createEndpointModel } from '../../agents/models/endpoint.ts';
import { findEndpointModel } from '../../agents/models/models.ts';
import type { Config } from '../../config/config.ts';
import { AppError } from '../../errors.ts';
import type { EndpointModel, ModelsConfig } from '../../schemas/model.ts';
import { found } from './finding.ts';
import type { Check, Finding } from './finding.ts';

/** What a model is asked: the least that an agent's thought needs of an endpoint. */
const QUESTION = 'Call the tool "report" once, with {"ready": true}. Say nothing else.';
const TOOL = {
  type: 'function' as const,
  function: {
    name: 'report',
    description: 'Reports that you are ready',
    parameters: { type: 'object', properties: { ready: { type: 'boolean' } }, required: ['ready'] },
  },
};
/** Endpoints that load a model first take a while. */
const ANSWER_MS_MAX = 60_000;

/** Each endpoint of models: asked for one streamed tool call. Without any the scripted model works. */
export function checkModelEndpoints({ models }: Pick<Config, 'models'>): Check[] {
  const names = Object.keys(models.endpoints);
  if (names.length === 0) {
    const none = found('model endpoint', 'ok', { detail: 'none configured: the scripted model needs none' });
    return [{ name: 'model endpoint', mend: '', look: () => Promise.resolve([none]) }];
  }
  return names.map((endpoint) => {
    const model = modelOf(models, endpoint);
    const name = `model endpoint ${endpoint}`;
    return {
      name,
      mend: `Mend the endpoint ${endpoint}, or its configuration.`,
      timeout_ms: ANSWER_MS_MAX,
      look: (signal) => (model ? askFor(name, model, signal) : Promise.resolve([unasked(name)])),
    };
  });
}

/** The model by which an endpoint is tried: the default where it is there, else its first configured one. */
function modelOf(models: ModelsConfig, endpoint: string): EndpointModel | undefined {
  const chosen = models.default === undefined ? undefined : findEndpointModel(models.default, models);
  if (chosen?.endpoint === endpoint) return chosen;
  return Object.values(models.named).find((one) => one.endpoint === endpoint);
}

const unasked = (name: string): Finding =>
  found(name, 'warn', {
    detail: 'was not asked: none of its models is configured',
    mend: 'Name a model of it in models.endpoints.',
  });

async function askFor(name: string, model: EndpointModel, signal: AbortSignal): Promise<Finding[]> {
  try {
    const said = await createEndpointModel(model).think([new HumanMessage(QUESTION)], { tools: [TOOL], signal });
    const lacks = [
      ...(said.tool_calls.some((call) => call.name === 'report' && call.malformed === undefined)
        ? []
        : ['no tool call came']),
      ...(said.usage ? [] : ['it does not say what it used']),
      ...(said.usage && said.usage.usd === null ? ['its price is unknown'] : []),
      ...(said.end ? [`its answer was ${said.end}`] : []),
    ];
    const heard = `${said.answer?.model ?? model.name} answers${said.reasoning ? ', with reasoning' : ''}`;
    if (lacks.length === 0)
      return [found(name, 'ok', { detail: `${heard}, with a ${model.stream ? 'streamed ' : ''}tool call` })];
    return [found(name, 'warn', { detail: `${heard}, but ${lacks.join(', ')}`, mend: mendOf(lacks[0] ?? '') })];
  } catch (error) {
    const { code, message } = AppError.from(error);
    return [found(name, 'fail', { detail: message, mend: MENDS[code] ?? 'Start the endpoint, or mend its base_url.' })];
  }
}

const mendOf = (lack: string): string =>
  lack.includes('price')
    ? 'Set MODEL_PRICES, or prices of the endpoint.'
    : lack.includes('used')
      ? 'Have the endpoint count tokens: budgets of tokens and dollars see nothing of it.'
      : 'Serve a model with a template for tools: agents work by calling them.';

const MENDS: Partial<Record<string, string>> = {
  unauthenticated: 'Mend MODEL_API_KEY, or api_key of the endpoint.',
  permission_denied: 'Let the key use this model.',
  not_found: 'Mend the name of the model, and see whether base_url ends as the endpoint wants, mostly in /v1.',
  resource_exhausted: 'Top up the account.',
  invalid_argument: 'Take away by body, with null, what the endpoint does not take.',
};
