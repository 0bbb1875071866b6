// Which model an episode thinks with that names none, and whether a bound in dollars can be kept: what is refused names the
// member, and says what to set.
import { describe, expect, test } from 'vitest';
import { findScript } from '../../../src/agents/scripts/scripts.ts';
import { RefusedRequest } from '../../../src/api/problem.ts';
import { createAgents } from '../../../src/agents/agents.ts';
import { checkPriced, chooseModel, isPriced } from '../../../src/runtime/choose-model.ts';
import { Budgets, budgetsOf } from '../../../src/schemas/episode.ts';
import type { ModelsConfig } from '../../../src/schemas/model.ts';
import { endpointModel } from '../../support/endpoint-model.ts';

const AGENTS = createAgents(new Map());

const NONE: ModelsConfig = { default: undefined, named: {}, endpoints: {} };
const priced = endpointModel('http://127.0.0.1:1/v1', { prices: { oracle: { input: 1, cached: 1, output: 1 } } });
const unpriced = endpointModel('http://127.0.0.1:2/v1', { endpoint: 'local', name: 'llama' });
const MODELS: ModelsConfig = {
  default: 'oracle',
  named: { oracle: priced, llama: unpriced },
  endpoints: { test: priced, local: unpriced },
};

const inputs = Object.entries(findScript(undefined)?.plays ?? {}).map(([path, sha256]) => ({ path, sha256 }));
const DEMO = { agent: 'mechanism_engineer', inputs };

function refusal(ask: () => unknown): { message: string; pointer: string | undefined } {
  try {
    ask();
  } catch (error) {
    if (error instanceof RefusedRequest && error.code === 'invalid_argument')
      return { message: error.message, pointer: error.errors[0]?.pointer };
    throw error;
  }
  throw new Error('it was not refused');
}

describe('an episode that names no model', () => {
  test('thinks with the configured default, also where its task is that of the demo', () => {
    expect(chooseModel(DEMO, MODELS, AGENTS)).toBe('default');
  });

  test('plays the script where no endpoint is configured and its task is that of the demo', () => {
    expect(chooseModel(DEMO, NONE, AGENTS)).toBe('scripted');
  });

  test.each([
    ['another input', { ...DEMO, inputs: [{ path: inputs[0]?.path ?? '', sha256: '0'.repeat(64) }] }],
    ['no input', { ...DEMO, inputs: [] }],
    ['another agent', { ...DEMO, agent: 'single_engineer' }],
  ])('is refused with %s where no endpoint is configured, and told what to set', (_, request) => {
    const { message, pointer } = refusal(() => chooseModel(request, NONE, AGENTS));
    expect(pointer).toBe('/model');
    expect(message).toMatch(/^`model` is not given.*MODEL_BASE_URL and MODEL_NAME.*observatory\.config\.ts/);
  });

  test('is refused where several are configured and none is the default, and told which there are', () => {
    const { message, pointer } = refusal(() => chooseModel(DEMO, { ...MODELS, default: undefined }, AGENTS));
    expect(pointer).toBe('/model');
    expect(message).toMatch(/name one of oracle, llama, or set models\.default/);
  });
});

describe('a bound in dollars', () => {
  const asked = Budgets.omit({ usd: true }).parse({});

  test('that is not asked for is the usual one, and none where nobody said what the model costs', () => {
    const bounds = ['scripted', 'oracle', 'llama'].map((model) => budgetsOf(asked, isPriced(model, MODELS)).usd);
    expect(bounds).toEqual([50, 50, null]);
  });

  test('that is asked for is kept with a model that has a price, and refused with one that has none', () => {
    const check = (model: string, usd: number | null) =>
      checkPriced({ model, budgets: budgetsOf({ ...asked, usd }, isPriced(model, MODELS)) }, MODELS);
    expect(() => check('oracle', 2)).not.toThrow();
    expect(() => check('scripted', 2)).not.toThrow();
    expect(() => check('llama', null)).not.toThrow();
    const { message, pointer } = refusal(() => check('llama', 2));
    expect(pointer).toBe('/budgets/usd');
    expect(message).toMatch(/nobody said what llama costs.*MODEL_PRICES.*observatory\.config\.ts/);
  });
});
