import { describe, expect, test } from 'vitest';
import { listScripts } from '../../../../src/agents/scripts/scripts.ts';
import { checkModel, createModels } from '../../../../src/agents/models/models.ts';
import { costOf, findPrice } from '../../../../src/agents/models/prices.ts';
import { AppError } from '../../../../src/errors.ts';
import type { ModelsConfig } from '../../../../src/schemas/model.ts';
import { loadConfig } from '../../../../src/config/config.ts';

const ENV = {
  DATABASE_URL: 'postgres://observatory:x@127.0.0.1:5432/observatory',
  S3_ENDPOINT: 'http://127.0.0.1:9000',
  S3_ACCESS_KEY_ID: 'AKIA1',
  S3_SECRET_ACCESS_KEY: 'x',
  TEMPORAL_ADDRESS: '127.0.0.1:7233',
  MODEL_BASE_URL: 'http://127.0.0.1:1/v1',
  MODEL_NAME: 'oracle',
};
const ENDPOINT = loadConfig(ENV).models;
const NONE: ModelsConfig = { default: undefined, named: {}, endpoints: {} };
const SCRIPTS = ['scripted', 'scripted:transcript', ...listScripts().map(({ name }) => `scripted:${name}`)];
const json = { read: () => Promise.reject(new Error('no file is read')) };

function refusal(name: string, endpoint = NONE): string {
  try {
    checkModel(name, endpoint);
  } catch (error) {
    if (error instanceof AppError && error.code === 'failed_precondition') return error.message;
    throw error;
  }
  throw new Error(`the model ${name} was accepted`);
}

describe('the name of a model', () => {
  test.each(SCRIPTS)('%s is always there', (name) => {
    expect(() => checkModel(name, NONE)).not.toThrow();
    expect(() => checkModel(name, ENDPOINT)).not.toThrow();
  });

  test.each(['default', 'oracle', 'openai:gpt-5', 'meta/llama-3:70b'])('%s is one where an endpoint is', (name) => {
    expect(() => checkModel(name, ENDPOINT)).not.toThrow();
    expect(refusal(name)).toBe(
      `no such model: there is ${SCRIPTS.join(', ')}; MODEL_BASE_URL and MODEL_NAME, or models in observatory.config.ts, would add those of an endpoint`,
    );
  });

  test.each(['scripted:unwritten', 'openai:'])('%s is refused, and the refusal names what there is', (name) => {
    expect(refusal(name, ENDPOINT)).toBe(
      `no such model: there is ${SCRIPTS.join(', ')}, default (oracle) and openai:NAME for any model of the endpoint`,
    );
  });

  test('is recorded as the endpoint calls it', () => {
    const models = createModels(json, loadConfig(ENV).models);
    const names = ['default', 'openai:default', 'openai:gpt-5', 'gpt-5', 'scripted'].map(models.nameOf);
    expect(names).toEqual(['oracle', 'oracle', 'gpt-5', 'gpt-5', 'scripted']);
  });
});

describe('the price of a model', () => {
  test('is taken from MODEL_PRICES first, then from the list, also for a dated snapshot', () => {
    const own = { 'gpt-4o': { input: 7, cached: 7, output: 7 } };
    expect(findPrice('gpt-4o', {})).toEqual({ input: 2.5, cached: 1.25, output: 10 });
    expect(findPrice('gpt-4o-2024-08-06', {})).toEqual({ input: 2.5, cached: 1.25, output: 10 });
    expect(findPrice('gpt-4o-2024-08-06', own)).toEqual(own['gpt-4o']);
    expect(findPrice('oracle', own)).toBeUndefined();
    expect(findPrice('constructor', own)).toBeUndefined();
  });

  test('counts cached tokens as cached only', () => {
    const tokens = { input_tokens: 1_000_000, cached_tokens: 250_000, output_tokens: 10_000 };
    expect(costOf({ input: 4, cached: 1, output: 20 }, tokens)).toBeCloseTo(3 + 0.25 + 0.2, 12);
  });
});

describe('the configuration of the endpoint', () => {
  test('holds prices and the length of conversations', () => {
    const MODEL_PRICES = '{"oracle": {"input": 1, "cached": 0.1, "output": 4}}';
    const endpointOf = (env: Record<string, string>) => loadConfig(env).models.endpoints['openai'];
    expect(endpointOf({ ...ENV, MODEL_PRICES, MODEL_CONTEXT_TOKENS: '8192' })).toMatchObject({
      prices: { oracle: { input: 1, cached: 0.1, output: 4 } },
      context_tokens: 8192,
    });
    expect(endpointOf(ENV)).toMatchObject({ prices: {}, context_tokens: 128_000 });
  });

  test.each(['oracle=1', '{"oracle": 1}', '{"oracle": {"input": -1, "cached": 0, "output": 0}}'])(
    'refuses the prices %s and says how they are written',
    (MODEL_PRICES) => {
      expect(() => loadConfig({ ...ENV, MODEL_PRICES })).toThrow(/MODEL_PRICES must be JSON like {"MODEL": {"input"/);
    },
  );

  test('refuses a context of no use', () => {
    expect(() => loadConfig({ ...ENV, MODEL_CONTEXT_TOKENS: '12' })).toThrow(/MODEL_CONTEXT_TOKENS/);
  });
});
