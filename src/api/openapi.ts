import type { OpenAPIHono } from '@hono/zod-openapi';
import { SESSION_COOKIE } from './authentication.ts';
import { DESCRIPTIONS } from './descriptions.ts';
import { LOST_NAME, WITHOUT_NUL } from './resources.ts';
import { TAGS } from './tags.ts';

type Operation = { operationId?: string; description?: string | undefined };

/** What is kept in jsonb and what agents wrote, as `src/schemas` checks them. */
const OPEN_JSON = {
  ...openJson('Json', {
    text: { maxLength: 1_000_000, pattern: WITHOUT_NUL },
    name: { maxLength: 200, pattern: WITHOUT_NUL, not: LOST_NAME },
  }),
  ...openJson('AgentJson', { text: { maxLength: 100_000 }, name: { maxLength: 200 } }),
};

/**
 * Any JSON value and any JSON object as two components that recur through each other. Neither is a union: `Json` has no type,
 * for a keyword concerns values of its own type alone, and generators of clients, which do not follow a union that holds
 * itself, take it for what it is, anything.
 */
function openJson(name: string, { text, name: names }: { text: object; name: object }) {
  const any = { $ref: `#/components/schemas/${name}` };
  const object = { patternProperties: { '^': any }, propertyNames: { type: 'string', ...names } };
  return {
    [name]: { description: 'Any JSON value', ...text, items: any, ...object },
    [`${name}Object`]: { type: 'object', additionalProperties: true, ...object },
  };
}

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
    tags: TAGS,
  });
  for (const operations of Object.values(document.paths ?? {}))
    for (const operation of Object.values(operations as Record<string, Operation>))
      if (operation.operationId !== undefined) operation.description ??= DESCRIPTIONS[operation.operationId];
  Object.assign(document.components?.schemas ?? {}, OPEN_JSON);
  // zod-to-openapi 9 writes a regular expression's flags into its pattern: `^[^\\u0000]*$/u`.
  return JSON.parse(JSON.stringify(document), (key, value: unknown) =>
    key === 'pattern' && typeof value === 'string' ? value.replace(/\$\/[a-z]+$/, '$') : value,
  ) as typeof document;
}
