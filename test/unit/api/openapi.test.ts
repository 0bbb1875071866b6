import { expect, test } from 'vitest';
import { createApp } from '../../../src/api/app.ts';
import type { ApiDeps } from '../../../src/api/deps.ts';
import { DESCRIPTIONS } from '../../../src/api/descriptions.ts';
import { createPageRoutes } from '../../../src/api/routes/page.ts';
import { openapiText } from '../../../src/api/openapi-file.ts';

type Operation = {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: unknown[];
  parameters?: { name: string; in: string }[];
  requestBody?: { required?: boolean; content: Record<string, unknown> };
  responses: Record<string, { content?: Record<string, unknown> }>;
};
const document = JSON.parse(openapiText()) as {
  paths: Record<string, Record<string, Operation>>;
  tags: { name: string; description: string }[];
  components: { schemas: Record<string, unknown> };
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, method, path, operation })),
);
const OPEN = ['/healthz', '/readyz', '/metrics'];
const guarded = operations.filter(({ path }) => !OPEN.includes(path));

test('every operation has an id of its own', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(ids.every((id) => id !== undefined && /^[a-z][A-Za-z]+$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBeGreaterThanOrEqual(13);
});

test('every route that the app serves is declared, but the document itself and the pages for people', () => {
  const served = createApp({} as ApiDeps)
    .routes.filter(({ method, path }) => method !== 'ALL' && !path.includes('*') && !/^\/docs(?:\/|$)/.test(path))
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  const declared = operations.map(({ name }) => name);
  const pages = createPageRoutes().routes.map(({ path }) => `get ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  expect([...new Set(served)].filter((name) => ![...declared, ...pages].includes(name))).toEqual(['get /openapi.json']);
});

test('every operation says what it is for, and what fails is a problem everywhere', () => {
  for (const { operation } of operations) expect(operation.summary).toMatch(/^[A-Z].+[^.]$/);
  const otherwise = operations
    .filter(({ path }) => path !== '/readyz')
    .flatMap(({ name, operation }) =>
      Object.entries(operation.responses).map(([status, one]) => ({ name, status, ...one })),
    )
    .filter(({ status, content }) => Number(status) >= 400 && content?.['application/problem+json'] === undefined);
  expect(otherwise).toEqual([]);
});

test.each(operations.filter(({ path }) => OPEN.includes(path)))('$name says that it is open', ({ operation }) => {
  expect(operation.security).toEqual([]);
});

test.each(guarded)(
  '$name needs a key and declares the problems that every request can meet',
  ({ operation, method }) => {
    const session = ['startSession', 'makeSignInLink'].includes(operation.operationId ?? '') ? [] : [{ session: [] }];
    expect(operation.security).toEqual([{ bearer: [] }, ...session]);
    const expected = ['400', '401', '429', '500', '503', '504', ...(method === 'get' ? [] : ['403'])];
    for (const status of expected)
      expect(Object.keys(operation.responses[status]?.content ?? {})).toEqual(['application/problem+json']);
  },
);

test.each(guarded.filter(({ path }) => path.includes('{') && !path.endsWith('{sha256}')))(
  '$name declares that there may be no such thing',
  ({ operation }) => {
    expect(operation.responses).toHaveProperty('404');
  },
);

test.each(operations.filter(({ operation }) => operation.requestBody))(
  '$name says whether its body is required and declares that it may be too large',
  ({ operation }) => {
    // A session is started with nothing to say, or by name.
    expect(operation.requestBody?.required).toBe(operation.operationId !== 'startSession');
    expect(operation.responses).toHaveProperty('413');
  },
);

test('every operation that takes JSON refuses other media types', () => {
  const takes = operations.filter(({ operation }) => operation.requestBody?.content['application/json']);
  expect(takes.length).toBeGreaterThan(3);
  expect(takes.filter(({ operation }) => !('415' in operation.responses))).toEqual([]);
});

test('every operation and every tag is described, in files of their own: descriptions.ts and tags.ts', () => {
  expect(operations.filter(({ operation }) => !operation.description).map(({ name }) => name)).toEqual([]);
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(Object.keys(DESCRIPTIONS).filter((id) => !ids.includes(id))).toEqual([]);
  const used = new Set(operations.flatMap(({ operation }) => operation.tags ?? []));
  expect(document.tags.map(({ name }) => name).toSorted()).toEqual([...used].toSorted());
  for (const { description } of document.tags) expect(description.length).toBeGreaterThan(20);
});

test('recursive JSON is no union, which generators of clients do not follow', () => {
  for (const name of ['Json', 'JsonObject', 'AgentJson', 'AgentJsonObject'])
    expect(Object.keys(document.components.schemas[name] as object)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(?:any|one|all)Of$/)]),
    );
});

test('every reference leads to a component', () => {
  const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g);
  const names = new Set([...references].map(([, name]) => name));
  expect(names.size).toBeGreaterThan(5);
  for (const name of names) expect(document.components.schemas).toHaveProperty(name!);
});

test('no pattern carries the flags of a regular expression, which JSON Schema does not know', () => {
  const patterns = [...JSON.stringify(document).matchAll(/"pattern":"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text!);
  expect(patterns.length).toBeGreaterThan(5);
  expect(patterns.filter((text) => !text.endsWith('$'))).toEqual([]);
});

test('every path parameter is declared', () => {
  for (const { path, operation } of operations) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = (operation.parameters ?? [])
      .filter((parameter) => parameter.in === 'path')
      .map(({ name }) => name);
    expect(declared).toEqual(named);
  }
});
