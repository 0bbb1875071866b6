// The configuration's file: what it may hold becomes models, and each mistake in it is named by its member.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/config.ts';
import { AppError } from '../../../src/errors.ts';

const SERVERS = {
  DATABASE_URL: 'postgres://observatory:x@127.0.0.1:5432/observatory',
  S3_ENDPOINT: 'http://127.0.0.1:9000',
  S3_ACCESS_KEY_ID: 'AKIA1',
  S3_SECRET_ACCESS_KEY: 'x',
  TEMPORAL_ADDRESS: '127.0.0.1:7233',
};
const URL_OF_ONE = 'http://127.0.0.1:8080/v1';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'observatory-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The configuration of a file with this text. */
async function load(text: string, env: Record<string, string> = {}) {
  files += 1; // a file that was loaded once is not read again
  const path = join(folder, `observatory-${files}.config.ts`);
  await writeFile(path, text);
  return loadConfig({ ...SERVERS, ...env, OBSERVATORY_CONFIG: path });
}
const loadModels = (models: unknown, env: Record<string, string> = {}) =>
  load(`export default ${JSON.stringify({ models })};`, env);

async function refusalOf(loading: Promise<unknown>): Promise<string> {
  const error: unknown = await loading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AppError && error.code === 'invalid_argument') return error.message;
  throw new Error('it was not refused', { cause: error });
}

describe('the file', () => {
  test('names endpoints and models, each with what its endpoint says unless it says otherwise itself', async () => {
    const { models } = await loadModels(
      {
        default: 'fast',
        endpoints: {
          local: {
            base_url: URL_OF_ONE,
            api_key_variable: 'LOCAL_KEY',
            context_tokens: 32_000,
            body: { seed: 1, stream_options: null },
            models: { fast: { model: 'qwen3', temperature: 0, body: { top_k: 5 } }, slow: {} },
          },
        },
      },
      { LOCAL_KEY: 'key-of-local' },
    );
    const { fast, slow } = models.named;
    expect(models.default).toBe('fast');
    expect(fast).toMatchObject({ name: 'qwen3', endpoint: 'local', temperature: 0, context_tokens: 32_000 });
    expect(fast?.body).toEqual({ seed: 1, stream_options: null, top_k: 5 });
    expect(slow).toMatchObject({ name: 'slow', base_url: URL_OF_ONE });
    expect(slow?.api_key?.reveal()).toBe('key-of-local');
  });

  test('and the environment together give all models; a name that two endpoints have is called by both names', async () => {
    const endpoint = (port: number) => ({ base_url: `http://127.0.0.1:${port}/v1`, models: { oracle: {} } });
    const { models } = await loadModels(
      { endpoints: { a: endpoint(1), b: endpoint(2) } },
      { MODEL_BASE_URL: URL_OF_ONE, MODEL_NAME: 'gpt-5' },
    );
    expect(Object.keys(models.named).toSorted()).toEqual(['a:oracle', 'b:oracle']);
    expect(models.default).toBe('openai:gpt-5');
  });

  test('is TypeScript, and may import', async () => {
    const define = join(import.meta.dirname, '../../../src/config/define.ts');
    const { models } = await load(
      `import { defineConfig } from ${JSON.stringify(define)};
       const port: number = 8080;
       export default defineConfig({ models: { endpoints: { a: { base_url: \`http://127.0.0.1:\${port}/v1\`, models: { m: {} } } } } });`,
    );
    expect(models.default).toBe('m');
  });
});

const one = (more: object) => ({ endpoints: { local: { base_url: URL_OF_ONE, models: { fast: {} }, ...more } } });

describe('a mistake in the file is named:', () => {
  test.each<[string, unknown, RegExp]>([
    ['an unknown member', one({ api_keys: 'x' }), /models\.endpoints\.local: .*api_keys/],
    ['an unknown member of a model', one({ models: { fast: { temprature: 1 } } }), /local\.models\.fast: .*temprature/],
    ['no address', { endpoints: { local: { models: {} } } }, /models\.endpoints\.local\.base_url: /],
    ['an address of another kind', one({ base_url: 'ftp://a/v1' }), /local\.base_url: must be an http\(s\) URL/],
    ['an address with a password', one({ base_url: 'http://u:p@a/v1' }), /local\.base_url: must be an http\(s\) URL/],
    ['a temperature that is a text', one({ temperature: 'hot' }), /local\.temperature: /],
    [
      'a negative price',
      one({ prices: { fast: { input: -1, cached: 0, output: 1 } } }),
      /local\.prices\.fast\.input: /,
    ],
    [
      'half a price',
      one({ prices: { fast: { input: 1 } } }),
      /local\.prices\.fast\.cached: .*local\.prices\.fast\.output: /,
    ],
    ['a context of nothing', one({ context_tokens: 0 }), /local\.context_tokens: /],
    ['a wait of a week', one({ wait_s: 604_800 }), /local\.wait_s: /],
    ['no requests at a time', one({ concurrency: 0 }), /local\.concurrency: /],
    ['a header with a line break', one({ headers: { 'x-a': 'b\nc' } }), /local\.headers\.x-a: must be printable ASCII/],
    ['a header without a name', one({ headers: { 'x a': 'b' } }), /local\.headers\.x a: /],
    ['a model with a colon', one({ models: { 'a:b': {} } }), /local\.models\.a:b: /],
    ['an unknown way with reasoning', one({ reasoning_back: 'sometimes' }), /local\.reasoning_back: /],
    ['models that are a list', [], /models: /],
    ['no endpoints', {}, /models\.endpoints: /],
    [
      'a default that is none',
      { ...one({}), default: 'slow' },
      /models\.default is slow, which is none: there is local:fast, fast/,
    ],
    [
      'a default of an unknown endpoint',
      { ...one({}), default: 'far:fast' },
      /models\.default is far:fast, which is none/,
    ],
    [
      'a key whose variable is not set',
      one({ api_key_variable: 'NO_SUCH' }),
      /local\.api_key_variable names NO_SUCH, which is not set/,
    ],
  ])('%s', async (_, models, named) => {
    expect(await refusalOf(loadModels(models))).toMatch(named);
  });

  test.each<[string, string, RegExp]>([
    ['no default export', 'export const models = {};', /has no default export: write `export default defineConfig/],
    ['a default export of nothing', 'export default null;', /config\.ts: /],
    ['an unknown part', 'export default { agents: {} };', /agents/],
    ['code that does not parse', 'export default {', /observatory-\d+\.config\.ts: cannot be loaded: /],
    ['code that throws', "throw new Error('no such key'); export default {};", /cannot be loaded: no such key/],
    ['an import of nothing', "import x from './nowhere.ts'; export default x;", /cannot be loaded: .*nowhere/],
  ])('%s', async (_, text, named) => {
    expect(await refusalOf(load(text))).toMatch(named);
  });

  test('a file that is not there', async () => {
    const loading = Promise.resolve().then(() =>
      loadConfig({ ...SERVERS, OBSERVATORY_CONFIG: join(folder, 'none.ts') }),
    );
    expect(await refusalOf(loading)).toMatch(/none\.ts: cannot be loaded/);
  });

  test('an endpoint that the environment describes too', async () => {
    const env = { MODEL_BASE_URL: URL_OF_ONE, MODEL_NAME: 'gpt-5' };
    const loading = loadModels({ endpoints: { openai: { base_url: URL_OF_ONE } } }, env);
    expect(await refusalOf(loading)).toMatch(/MODEL_BASE_URL and models\.endpoints\.openai describe the same endpoint/);
  });

  test('and no secret of it is told', async () => {
    const message = await refusalOf(loadModels(one({ api_key: 'hunter2-hunter2', wait_s: -1 })));
    expect(message).not.toContain('hunter2');
  });
});
