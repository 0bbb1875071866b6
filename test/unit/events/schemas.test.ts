/**
 * Goal: an event is judged alike by the schema that ingest uses, by the JSON Schema that is published, and by the component
 * of the OpenAPI document; and what was published never changes.
 * Method: one whole payload of every type, and from each a corpus of its mutations; a second validator (ajv) for the
 * documents.
 */
import { createHash } from 'node:crypto';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { openapiText } from '../../../src/api/openapi-file.ts';
import { componentNameOf, publishedSchema } from '../../../src/schemas/events/json-schema.ts';
import { event } from '../../../src/schemas/events/envelope.ts';
import { Name } from '../../../src/schemas/events/fields.ts';
import { anyOf, EVENTS } from '../../../src/schemas/events/registry.ts';
import type { EventSchema } from '../../../src/schemas/events/registry.ts';
import { eventOf, PAYLOADS } from '../../support/events.ts';

const EPISODE = '0199d3c0-0000-7000-8000-000000000001';
const document = JSON.parse(openapiText()) as { components: { schemas: Record<string, object> } };

// ajv compiles what the documents say, and nothing that it makes up: formats are assertions here.
const ajv = new Ajv2020({ allErrors: false, strict: false, validateFormats: true });
addFormats.default(ajv);
ajv.addSchema(document, 'openapi.json');

type Loose = Record<string, unknown>;

/** Envelopes and payloads, right and wrong: each is named, so that a disagreement says where. */
function corpusOf(type: string, v: number): [name: string, event: unknown][] {
  const whole = eventOf(EPISODE, type, {
    v,
    step_id: '0199D3C0-0000-7000-8000-00000000000A',
    attempt: 1,
    agent: 'engineer_coder',
    attributes: { note: 'x', n: 1, yes: true, none: null },
  }) as Loose;
  const payload = PAYLOADS[type] as Loose;
  const minimal = eventOf(EPISODE, type, { v }) as Loose;
  const events: [string, unknown][] = [
    ['whole', whole],
    ['minimal', minimal],
    ['no object', []],
    ['unknown member', { ...minimal, extra: 1 }],
    ['unknown member of the payload', { ...minimal, payload: { ...payload, extra: 1 } }],
    ['other version', { ...minimal, v: 99 }],
    ['version as text', { ...minimal, v: String(v) }],
    ['nested attribute', { ...minimal, attributes: { a: [] } }],
    ['long agent', { ...minimal, agent: 'x'.repeat(201) }],
    ['agent of 200 characters beyond the basic plane', { ...minimal, agent: '𝔸'.repeat(200) }],
    ['NUL in a name', { ...minimal, producer: { name: 'a\u0000', version: '1' } }],
    ['attempt 0', { ...minimal, attempt: 0 }],
  ];
  for (const time of ['2026-01-01', '2026-13-01T00:00:00Z', '2026-01-01t00:00:00z', '2024-02-29T23:59:60Z', ''])
    events.push([`time ${time}`, { ...minimal, occurred_at: time }]);
  for (const member of Object.keys(whole)) {
    const { [member]: _, ...rest } = whole;
    events.push([`without ${member}`, rest], [`null as ${member}`, { ...whole, [member]: null }]);
  }
  for (const [member, value] of Object.entries(payload)) {
    const { [member]: _, ...rest } = payload;
    events.push([`payload without ${member}`, { ...minimal, payload: rest }]);
    for (const other of [null, 'text', '', 'a\u0000b', -1, 0.5, true, {}, [], ['x'], [1], { a: { b: 1 } }, 2 ** 53])
      if (JSON.stringify(other) !== JSON.stringify(value))
        events.push([
          `${JSON.stringify(other)} as payload.${member}`,
          { ...minimal, payload: { ...payload, [member]: other } },
        ]);
  }
  return events;
}

test('there is a whole payload of every type, and of no other', () => {
  expect(Object.keys(PAYLOADS)).toEqual([...new Set(EVENTS.map(({ shape }) => shape.type.value))]);
});

test.each(EVENTS.map((schema) => [componentNameOf(schema), schema] as const))(
  '%s: ingest, the published schema and the OpenAPI component judge alike',
  (name, schema) => {
    const published = ajv.compile(publishedSchema(schema));
    const component = ajv.compile({ $ref: `openapi.json#/components/schemas/${name}` });
    const judged = corpusOf(schema.shape.type.value, schema.shape.v.value).map(([what, sent]) => ({
      what,
      ingest: schema.safeParse(sent).success,
      published: published(sent),
      component: component(sent),
    }));
    expect(judged.filter((one) => one.ingest !== one.published || one.ingest !== one.component)).toEqual([]);
    expect(judged.filter(({ ingest }) => ingest).length).toBeGreaterThanOrEqual(3);
    expect(judged.filter(({ ingest }) => !ingest).length).toBeGreaterThan(15);
    expect(judged.slice(0, 2).every(({ ingest }) => ingest)).toBe(true);
  },
);

test('the component of any event takes each of them and tells them apart', () => {
  const any = ajv.compile({ $ref: 'openapi.json#/components/schemas/ObservabilityEvent' });
  for (const { shape } of EVENTS) expect(any(eventOf(EPISODE, shape.type.value, { v: shape.v.value }))).toBe(true);
  expect(any(eventOf(EPISODE, 'ls_files_tool', { payload: PAYLOADS['grep_tool'] }))).toBe(false);
});

test('a second version of a type is taken beside the first', () => {
  const second = event('wire_torn', 2, { wire_id: Name }) as unknown as EventSchema;
  const any = anyOf([...EVENTS, second]);
  expect(any.safeParse(eventOf(EPISODE, 'wire_torn', { v: 2, payload: { wire_id: 'w' } })).success).toBe(true);
  expect(any.safeParse(eventOf(EPISODE, 'wire_torn')).success).toBe(true);
  expect(any.safeParse(eventOf(EPISODE, 'wire_torn', { v: 2 })).success).toBe(false);
});

test('a published schema never changes: another shape is another version', async () => {
  // When this fails, take the change back and add event(type, 2, …): producers rely on what they have read.
  const lines = EVENTS.map((schema) => {
    const text = JSON.stringify(publishedSchema(schema));
    return `${schema.shape.type.value} ${schema.shape.v.value} ${createHash('sha256').update(text).digest('hex')}\n`;
  });
  await expect(lines.join('')).toMatchFileSnapshot('published-events.txt');
});
