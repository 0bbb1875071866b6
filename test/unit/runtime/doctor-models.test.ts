// What the doctor says of endpoints of models, which it asks for one tool call each: real HTTP servers that answer it well, or lack
// something.
import { afterEach, describe, expect, test } from 'vitest';
import { checkModelEndpoints } from '../../../src/runtime/doctor/models.ts';
import { perform } from '../../../src/runtime/doctor/finding.ts';
import type { EndpointModel, ModelsConfig } from '../../../src/schemas/model.ts';
import { endpointModel } from '../../support/endpoint-model.ts';
import { startModelServer } from '../../support/model-server.ts';
import type { ModelServer, Reply } from '../../support/model-server.ts';

const PRICED = { prices: { oracle: { input: 1, cached: 1, output: 1 } } };
const REPORT: Reply = { calls: [{ name: 'report', args: { ready: true } }] };

const servers: ModelServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

const configOf = (model: EndpointModel): ModelsConfig => ({
  default: 'oracle',
  named: { oracle: model },
  endpoints: { test: model },
});

/** What the doctor finds of an endpoint that answers so, and what it asked. */
async function examine(reply: Reply, changes: Partial<EndpointModel> = PRICED) {
  const server = await startModelServer([reply]);
  servers.push(server);
  const [check] = checkModelEndpoints({ models: configOf(endpointModel(server.base_url, changes)) });
  const [finding] = check ? await perform(check) : [];
  return { ...finding, requests: server.requests };
}

describe('the doctor', () => {
  test('asks an endpoint for one streamed tool call, and finds it well', async () => {
    const { state, detail, mend, requests } = await examine(REPORT);
    expect({ state, mend }).toEqual({ state: 'ok', mend: null });
    expect(detail).toMatch(/^oracle answers, with a streamed tool call$/);
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ stream: true, tools: [{ function: { name: 'report' } }] });
  });

  test.each<[string, [Reply, Partial<EndpointModel>], [detail: RegExp, mend: RegExp]]>([
    ['a tool call', [{ text: 'I am ready.' }, PRICED], [/no tool call came/, /template for tools/]],
    ['a count of tokens', [{ ...REPORT, usage: null }, PRICED], [/it does not say what it used/, /budgets/]],
    ['a price', [REPORT, {}], [/its price is unknown/, /MODEL_PRICES/]],
  ])('names what an endpoint lacks: %s', async (_, [reply, changes], [detail, mend]) => {
    const found = await examine(reply, changes);
    expect(found.state).toBe('warn');
    expect(found.detail).toMatch(detail);
    expect(found.mend).toMatch(mend);
  });

  test.each<[number, RegExp]>([
    [401, /MODEL_API_KEY/],
    [404, /name of the model.*base_url/],
    [402, /Top up/],
    [400, /Take away by body/],
  ])('says how to mend an endpoint that answers %i', async (status, mend) => {
    const found = await examine({ fault: { status, body: { error: { message: 'no' } } } });
    expect(found.state).toBe('fail');
    expect(found.detail).toContain(`answered ${status}: no`);
    expect(found.mend).toMatch(mend);
  });

  test('says so of an endpoint that is not there, and of one of which no model is known', async () => {
    const gone = await startModelServer([]);
    await gone[Symbol.asyncDispose]();
    const [check] = checkModelEndpoints({ models: configOf(endpointModel(gone.base_url)) });
    const [away] = check ? await perform(check) : [];
    expect(away).toMatchObject({ state: 'fail', detail: expect.stringContaining('cannot be reached') as string });
    const nameless = { default: undefined, named: {}, endpoints: { test: endpointModel(gone.base_url) } };
    const [other] = checkModelEndpoints({ models: nameless });
    const [unasked] = other ? await perform(other) : [];
    expect(unasked).toMatchObject({ state: 'warn', mend: 'Name a model of it in models.endpoints.' });
  });

  test('finds nothing wrong where no endpoint is configured', async () => {
    const [check] = checkModelEndpoints({ models: { default: undefined, named: {}, endpoints: {} } });
    expect(check && (await perform(check))).toMatchObject([{ state: 'ok' }]);
  });
});
