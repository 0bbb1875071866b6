import { findEndpointModel } from '../agents/models/models.ts';
import { findPrice } from '../agents/models/prices.ts';
import { findScript } from '../agents/scripts/scripts.ts';
import type { Agents } from '../agents/agents.ts';
import { RefusedRequest } from '../api/problem.ts';
import type { StartEpisode } from '../schemas/episode.ts';
import type { ModelsConfig } from '../schemas/model.ts';

const SCRIPTED = 'scripted';

/**
 * What an episode thinks with whose request names no model: the configured default; the script, where no endpoint is configured
 * and it was written for this agent and these inputs. Throws RefusedRequest (`invalid_argument`) that says what to set else.
 */
export function chooseModel(
  request: Pick<StartEpisode, 'agent' | 'inputs'>,
  models: ModelsConfig,
  agents: Agents,
): string {
  if (models.default !== undefined) return 'default';
  const none = Object.keys(models.endpoints).length === 0;
  if (none && isOfDemo(request, agents)) return SCRIPTED;
  const known = Object.keys(models.named);
  const mend = none
    ? 'name one, or set MODEL_BASE_URL and MODEL_NAME, or models in observatory.config.ts; without an endpoint there is the model scripted:transcript, which plays a /transcript.json of your own'
    : `name one${known.length > 0 ? ` of ${known.join(', ')}` : ''}, or set models.default in observatory.config.ts`;
  const message = `is not given, and no default is configured: ${mend}`;
  throw new RefusedRequest('invalid_argument', `\`model\` ${message}.`, [
    { in: 'body', pointer: '/model', code: 'missing', message },
  ]);
}

/** Whether the script that plays without a name was written for this. */
function isOfDemo({ agent, inputs }: Pick<StartEpisode, 'agent' | 'inputs'>, agents: Agents): boolean {
  const script = findScript(undefined);
  if (!script || !agents.get(agent).roles.every(({ name }) => script.lines[name])) return false;
  return inputs.some(({ path, sha256 }) => script.plays[path] === sha256);
}

/** Whether it is known what a model costs: a script costs nothing. */
export function isPriced(name: string, models: ModelsConfig): boolean {
  const model = findEndpointModel(name, models);
  return model === undefined || findPrice(model.name, model.prices) !== undefined;
}

/** Throws RefusedRequest (`invalid_argument`) for a bound in dollars on a model that nobody said the price of: it would bound nothing. */
export function checkPriced({ model, budgets }: Pick<StartEpisode, 'model' | 'budgets'>, models: ModelsConfig): void {
  if (budgets.usd === null || isPriced(model, models)) return;
  const name = findEndpointModel(model, models)?.name ?? model;
  const message = `bounds nothing: nobody said what ${name} costs. Set its price in MODEL_PRICES, or in prices of its endpoint in observatory.config.ts, or leave the bound out`;
  throw new RefusedRequest('invalid_argument', `\`budgets.usd\` ${message}.`, [
    { in: 'body', pointer: '/budgets/usd', code: 'unpriced', message },
  ]);
}
