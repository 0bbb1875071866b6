import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { observationOf } from '../../../src/langfuse-stand-in/observation.ts';
import type { Observation } from '../../../src/langfuse-stand-in/observation.ts';
import { rowOfSpan } from '../../../src/langfuse-stand-in/span-mapping.ts';
import type { OtlpSpan } from '../../../src/langfuse-stand-in/otlp.ts';

const NOW = Date.parse('2026-01-02T03:04:05.678Z');

/** What is kept of a span with these attributes. */
function kept(attributes: Record<string, unknown> = {}, span: Partial<OtlpSpan> = {}): Observation {
  const row = rowOfSpan(
    {
      trace_id: 'a'.repeat(32),
      span_id: 'b'.repeat(16),
      parent_span_id: null,
      name: 'a span',
      start: 1_767_323_045_000_000_000n,
      end: 1_767_323_046_000_000_000n,
      status: { code: undefined, message: undefined },
      attributes,
      resource: {},
      scope: { name: 'langfuse-sdk', attributes: {} },
      ...span,
    },
    NOW,
  );
  return observationOf([row.body], row.start_time);
}

describe('the environment', () => {
  test('is kept when it matches Langfuse’s rule and is “default” when it does not', () => {
    for (const good of ['lab', 'a-b_1', 'x'.repeat(40)])
      expect(kept({ 'langfuse.environment': good }).environment).toBe(good);
    for (const bad of ['Lab', 'langfuse-x', 'a b', 'x'.repeat(41), ''])
      expect(kept({ 'langfuse.environment': bad }).environment).toBe('default');
  });

  test('may come from the resource', () => {
    expect(kept({}, { resource: { 'deployment.environment': 'lab' } }).environment).toBe('lab');
  });
});

describe('the type', () => {
  test('is what the attribute says in lower case; other spellings do not count', () => {
    expect(kept({ 'langfuse.observation.type': 'agent' }).type).toBe('AGENT');
    expect(kept({ 'langfuse.observation.type': 'evaluator' }).type).toBe('EVALUATOR');
    for (const other of ['AGENT', 'constructor', 1])
      expect(kept({ 'langfuse.observation.type': other }).type).toBe('SPAN');
  });

  test('is GENERATION for a span with a model that says no type', () => {
    expect(kept({ 'langfuse.observation.model.name': 'm' })).toMatchObject({ type: 'GENERATION', model: 'm' });
    expect(kept({ 'langfuse.observation.model.name': 'm', 'langfuse.observation.type': 'tool' }).type).toBe('TOOL');
  });
});

describe('the level', () => {
  test('is what the attribute says, else ERROR for a failed span', () => {
    expect(kept({ 'langfuse.observation.level': 'WARNING' }, { status: { code: 2, message: 'bad' } })).toMatchObject({
      level: 'WARNING',
      statusMessage: 'bad',
    });
    expect(kept({}, { status: { code: 2, message: undefined } }).level).toBe('ERROR');
    expect(kept({ 'langfuse.observation.level': 'loud' }).level).toBe('DEFAULT');
  });
});

describe('times', () => {
  test('are floored to milliseconds, whatever the nanoseconds', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 4_000_000_000_000_000_000n), (start) => {
        expect(kept({}, { start }).startTime).toBe(new Date(Number(start / 1_000_000n)).toISOString());
      }),
    );
  });

  test('that are missing are taken from each other, else they are now', () => {
    expect(kept({}, { start: undefined })).toMatchObject({ startTime: '2026-01-02T03:04:06.000Z' });
    expect(kept({}, { end: undefined })).toMatchObject({ endTime: '2026-01-02T03:04:05.000Z' });
    const now = new Date(NOW).toISOString();
    expect(kept({}, { start: undefined, end: 2n ** 63n })).toMatchObject({ startTime: '2262-04-11T23:47:16.854Z' });
    expect(kept({}, { start: undefined, end: undefined })).toMatchObject({ startTime: now, endTime: now });
  });
});

test('metadata keeps its top-level keys, flattens what lies deeper, and carries resource and scope', () => {
  const { metadata } = kept(
    {
      'langfuse.observation.metadata': '{"whole":{"deep":1},"list":[1,2]}',
      'langfuse.observation.metadata.langgraph_node': 'tools',
      'langfuse.trace.metadata.episode': '7',
    },
    {
      resource: { 'service.name': 'observatory' },
      scope: { name: 'langfuse-sdk-x', version: '1', attributes: { a: true } },
    },
  );
  expect(metadata).toEqual({
    'whole.deep': '1',
    list: '[1,2]',
    langgraph_node: 'tools',
    episode: '7',
    'resourceAttributes.service.name': 'observatory',
    'scope.name': 'langfuse-sdk-x',
    'scope.version': '1',
    'scope.attributes.a': 'true',
  });
});

test('metadata repeats the attributes of spans whose scope is none of an SDK of Langfuse', () => {
  const attributes = { 'langfuse.observation.type': 'tool', 'langfuse.observation.input': 'x' };
  const other = kept(attributes, { scope: { name: 'observatory', attributes: {} } });
  expect(other.metadata).toEqual({ 'attributes.langfuse.observation.type': 'tool', 'scope.name': 'observatory' });
  expect(kept(attributes).metadata).toEqual({ 'scope.name': 'langfuse-sdk' });
});

test('a cost that is not said is computed where the model is known, and one of zero stays', () => {
  const costOf = (model: string, said: Record<string, string> = {}) =>
    kept({
      'langfuse.observation.model.name': model,
      'langfuse.observation.usage_details': '{"input":1000,"output":200}',
      ...said,
    }).costDetails;
  expect(costOf('gpt-4o')['total']).toBeCloseTo(0.0045, 10);
  expect(costOf('our-own-model')).toEqual({});
  expect(costOf('gpt-4o', { 'langfuse.observation.cost_details': '{"total":0}' })).toEqual({ total: 0 });
});

test('usage and cost keep numbers only, and get a total unless one is given', () => {
  expect(kept({ 'langfuse.observation.usage_details': '{"input":1,"output":2,"odd":"x"}' }).usageDetails).toEqual({
    input: 1,
    output: 2,
    total: 3,
  });
  expect(kept({ 'langfuse.observation.cost_details': '{"input":1,"total":5}' }).costDetails).toEqual({
    input: 1,
    total: 5,
  });
  expect(kept({ 'langfuse.observation.usage_details': 'not JSON' }).usageDetails).toEqual({});
});

test('tags may be a list, a list in JSON, or names with commas', () => {
  for (const tags of [['a', 'b'], '["a","b"]', 'a, b'])
    expect(kept({ 'langfuse.trace.tags': tags }).tags).toEqual(['a', 'b']);
  expect(kept().tags).toEqual([]);
});

test('a root is a span without a parent, or one that its sender marked', () => {
  expect(kept().isRootObservation).toBe(true);
  const child = { parent_span_id: 'c'.repeat(16) };
  expect(kept({}, child).isRootObservation).toBe(false);
  expect(kept({ 'langfuse.internal.is_app_root': true }, child).isRootObservation).toBe(true);
});
