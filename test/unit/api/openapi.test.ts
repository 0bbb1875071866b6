import { expect, test } from 'vitest';
import { openapiText } from '../../../src/api/openapi-file.ts';

type Operation = {
  operationId?: string;
  security?: unknown[];
  parameters?: { name: string; in: string }[];
  requestBody?: { required?: boolean };
  responses: Record<string, { content?: Record<string, unknown> }>;
};
const document = JSON.parse(openapiText()) as {
  paths: Record<string, Record<string, Operation>>;
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

test.each(guarded)(
  '$name needs a key and declares the problems that every request can meet',
  ({ operation, method }) => {
    const session = operation.operationId === 'startSession' ? [] : [{ session: [] }];
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
  '$name requires its body and declares that it may be too large',
  ({ operation }) => {
    expect(operation.requestBody?.required).toBe(true);
    expect(operation.responses).toHaveProperty('413');
  },
);

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
