import type { OpenAPIHono } from '@hono/zod-openapi';
import { SESSION_COOKIE } from './authentication.ts';

/** The OpenAPI 3.1 document of the app's routes. */
export function documentOf(app: Pick<OpenAPIHono, 'openAPIRegistry' | 'getOpenAPI31Document'>) {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  app.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: SESSION_COOKIE,
  });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Problemologist Observatory',
      version: '1',
      description: 'Runs the agents’ episodes durably and answers for everything that happened in them.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
  });
  // zod-to-openapi 9 writes a regular expression's flags into its pattern: `^[^\\u0000]*$/u`.
  return JSON.parse(JSON.stringify(document), (key, value: unknown) =>
    key === 'pattern' && typeof value === 'string' ? value.replace(/\$\/[a-z]+$/, '$') : value,
  ) as typeof document;
}
