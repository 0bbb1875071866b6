import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createOtlpReader } from '../../../src/langfuse-stand-in/otlp.ts';

const read = createOtlpReader();
const JSON_HEAD = { type: 'application/json; charset=utf-8', encoding: undefined };
const TRACE_ID = 'bb14c33c23138873afcc5e6f3c2b5f61';
const SPAN_ID = 'cb00000daff4e5ae';

const readSpan = (span: object) => {
  const body = { resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: TRACE_ID, spanId: SPAN_ID, ...span }] }] }] };
  return read(new TextEncoder().encode(JSON.stringify(body)), JSON_HEAD)[0];
};

describe('an id', () => {
  test.each([
    ['hexadecimal text', TRACE_ID],
    ['hexadecimal text in capitals', TRACE_ID.toUpperCase()],
    ['a list of bytes, as the Python SDK sends it', [...Buffer.from(TRACE_ID, 'hex')]],
    ['a Buffer that went through JSON', Buffer.from(TRACE_ID, 'hex').toJSON()],
  ])('may be %s', (_, traceId) => {
    expect(readSpan({ traceId })?.trace_id).toBe(TRACE_ID);
  });

  test.each([
    ['absent', undefined],
    ['short', 'bb14'],
    ['not hexadecimal', 'z'.repeat(32)],
    ['a number', 42],
    ['a list with what is no byte', Array.from({ length: 16 }, () => 256)],
    ['an object that claims a length', { length: 800_000_000 }],
  ])('is refused when it is %s', (_, traceId) => {
    expect(() => readSpan({ traceId })).toThrow(/traceId is (?:absent|not 16 bytes)/);
  });
});

test('a value of any kind becomes a plain one', () => {
  const attributes = [
    { key: 'text', value: { stringValue: '' } },
    { key: 'whole', value: { intValue: '-7' } },
    { key: 'half', value: { doubleValue: 0.5 } },
    { key: 'no', value: { boolValue: false } },
    { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }, { intValue: 1 }] } } },
    { key: 'bytes', value: { bytesValue: 'AA==' } },
  ];
  expect(readSpan({ attributes })?.attributes).toEqual({
    text: '',
    whole: -7,
    half: 0.5,
    no: false,
    list: ['a', 1],
    bytes: '{"bytesValue":"AA=="}',
  });
});

test('nanoseconds keep every digit', () => {
  expect(readSpan({ startTimeUnixNano: '1767323045123456789', endTimeUnixNano: 'soon' })).toMatchObject({
    start: 1_767_323_045_123_456_789n,
    end: undefined,
  });
});

test('what unpacks to more than 64 MB is refused before it is read', () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 ** 2 + 1));
  expect(() => read(bomb, { ...JSON_HEAD, encoding: 'gzip' })).toThrow('Failed to decompress');
});
