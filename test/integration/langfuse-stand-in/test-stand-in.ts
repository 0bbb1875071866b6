import { randomBytes, randomUUID } from 'node:crypto';
import { LangfuseAPIClient } from '@langfuse/core';
import { inject } from 'vitest';
import { startCollector } from '../../../src/langfuse-stand-in/server.ts';
import type { CollectorOptions } from '../../../src/langfuse-stand-in/server.ts';
import { createDatabase } from '../../../src/db/client.ts';

export const KEYS = { public_key: 'pk-lf-of-the-tests', secret_key: 'sk-lf-of-the-tests' };
export const BASIC = `Basic ${btoa(`${KEYS.public_key}:${KEYS.secret_key}`)}`;

/** A collector on an empty database of its own, with a clock that stands until it is set forward. */
export async function startTestCollector(options: Partial<CollectorOptions> = {}) {
  const environment: Record<string, string | undefined> = inject('environment');
  const onServer = createDatabase(environment['DATABASE_URL'] ?? '', { connections: 1 });
  const name = `collector_${randomUUID().replaceAll('-', '')}`;
  await onServer.pool.query(`create database ${name}`);
  const url = new URL(environment['DATABASE_URL'] ?? '');
  url.pathname = `/${name}`;
  let time = Date.parse('2026-01-02T03:04:05.678Z');
  const start = () =>
    startCollector({ databaseUrl: url.href, port: 0, keys: KEYS, now: () => new Date(time), ...options });
  const server = await start();
  const call = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has('authorization')) headers.set('authorization', BASIC);
    return fetch(`${server.url}${path}`, { ...init, headers });
  };
  return {
    url: server.url,
    databaseUrl: url.href,
    start,
    call,
    /** Langfuse's own client of its published API. */
    api: new LangfuseAPIClient({
      environment: '',
      baseUrl: server.url,
      username: KEYS.public_key,
      password: KEYS.secret_key,
    }),
    get: async (path: string) => (await call(path)).json() as Promise<Loose>,
    post: (path: string, body: unknown, headers: Record<string, string> = {}) =>
      call(path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
    pass(ms: number) {
      time += ms;
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await onServer.pool.query(`drop database ${name} with (force)`);
      await onServer[Symbol.asyncDispose]();
    },
  };
}
export type TestCollector = Awaited<ReturnType<typeof startTestCollector>>;

/** A JSON answer as the tests look at it: what it must be, they expect. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Loose = any;

export const V4 = { 'x-langfuse-ingestion-version': '4' };
export const OTLP = '/api/public/otel/v1/traces';
export const newTraceId = () => randomBytes(16).toString('hex');

/** A span in OTLP's JSON; `attributes` are given as plain values. */
export function otlpSpan(span: {
  traceId: string;
  spanId?: string;
  parentSpanId?: string;
  name?: string;
  start?: string;
  end?: string;
  attributes?: Record<string, string | number | boolean | string[]>;
}) {
  const { attributes = {}, start = '1767323045000000000', ...rest } = span;
  return {
    spanId: randomBytes(8).toString('hex'),
    name: 'a span',
    startTimeUnixNano: start,
    endTimeUnixNano: span.end ?? start,
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) })),
    ...rest,
  };
}

/** An export of spans under one resource and scope. */
export const exportOf = (...spans: object[]) => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'the tests' } }] },
      scopeSpans: [{ scope: { name: 'test-scope', version: '1' }, spans }],
    },
  ],
});

function anyValue(value: string | number | boolean | string[]): object {
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  if (typeof value === 'number') return { intValue: String(value) };
  return typeof value === 'boolean' ? { boolValue: value } : { stringValue: value };
}
