import type { EndpointModel } from '../../src/schemas/model.ts';

/** A model of an endpoint as the configuration gives it, with what a test says of it. */
export const endpointModel = (base_url: string, changes: Partial<EndpointModel> = {}): EndpointModel => ({
  endpoint: 'test',
  base_url,
  api_key: undefined,
  headers: {},
  prices: {},
  wait_s: 60,
  concurrency: undefined,
  requests_per_minute: undefined,
  body: {},
  context_tokens: 1_000,
  images: false,
  stream: true,
  reasoning_back: 'with_calls',
  send_back: [],
  alternate_roles: false,
  name: 'oracle',
  ...changes,
});
