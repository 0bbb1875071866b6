import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { createOtlpDecoder } from './otlp-proto.ts';
import { recordOf } from './observation.ts';

/** A span with what its batch said of its resource and scope; attributes are plain values by key. */
export type OtlpSpan = {
  trace_id: string;
  span_id: string;
  parent_span_id: string | null;
  name: string;
  /** Nanoseconds since 1970. */
  start: bigint | undefined;
  end: bigint | undefined;
  status: { code: number | undefined; message: string | undefined };
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
  /** Who made the span: a name, a version, attributes. */
  scope: { name: string } & Record<string, unknown>;
};

/** An export that unpacks to more than this is refused. */
const UNPACKED_BYTES_MAX = 64 * 1024 ** 2;

/**
 * Makes the reader of a trace export's body: JSON or protobuf, gzip or not. It throws `invalid_argument` for a body that is
 * no export, and, refusing the batch as a unit, for one bad id or one list that is none. A span whose attributes cannot
 * be read is left out, without a word, as Langfuse does.
 */
export function createOtlpReader() {
  const decode = createOtlpDecoder();
  return (bytes: Uint8Array, head: { type: string | undefined; encoding: string | undefined }): OtlpSpan[] => {
    const plain = head.encoding?.includes('gzip') ? unpacked(bytes) : bytes;
    const type = head.type?.toLowerCase() ?? '';
    if (type.includes('application/x-protobuf')) return spansOf(attempt('protobuf', () => decode(plain)));
    if (type.includes('application/json'))
      return spansOf(attempt('JSON', () => JSON.parse(new TextDecoder().decode(plain)) as unknown));
    throw new AppError('invalid_argument', 'Invalid content type');
  };
}

function unpacked(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX });
  } catch (error) {
    throw new AppError('invalid_argument', 'Failed to decompress request body', { cause: error });
  }
}

function attempt(format: string, read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    throw new AppError('invalid_argument', `Failed to parse OTel ${format} Trace`, { cause: error });
  }
}

function spansOf(exported: unknown): OtlpSpan[] {
  const spans: OtlpSpan[] = [];
  for (const resourceSpans of listOf(exported, 'resourceSpans')) {
    const { resource } = recordOf(resourceSpans);
    listOf(resource, 'attributes');
    for (const scopeSpans of listOf(resourceSpans, 'scopeSpans')) {
      const { scope } = recordOf(scopeSpans);
      listOf(scope, 'attributes');
      for (const span of listOf(scopeSpans, 'spans')) {
        const read = spanOf(recordOf(span), { resource, scope });
        if (read !== undefined) spans.push(read);
      }
    }
  }
  return spans;
}

function spanOf(span: Record<string, unknown>, { resource, scope }: { resource: unknown; scope: unknown }) {
  const ids = {
    trace_id: idOf(span['traceId'], 'traceId', 16),
    span_id: idOf(span['spanId'], 'spanId', 8),
    parent_span_id: isAbsent(span['parentSpanId']) ? null : idOf(span['parentSpanId'], 'parentSpanId', 8),
  };
  listOf(span, 'attributes');
  for (const event of listOf(span, 'events')) listOf(event, 'attributes');
  const attributes = attributesOf(span);
  const resourceAttributes = attributesOf(resource);
  const scopeAttributes = attributesOf(scope);
  if (attributes === undefined || resourceAttributes === undefined || scopeAttributes === undefined) return undefined;
  const { code, message } = recordOf(span['status']);
  return {
    ...ids,
    name: typeof span['name'] === 'string' ? span['name'] : '',
    start: nanosecondsOf(span['startTimeUnixNano']),
    end: nanosecondsOf(span['endTimeUnixNano']),
    status: {
      code: typeof code === 'number' ? code : undefined,
      message: typeof message === 'string' && message !== '' ? message : undefined,
    },
    attributes,
    resource: resourceAttributes,
    scope: { ...scopeOf(scope), attributes: scopeAttributes },
  };
}

function scopeOf(scope: unknown): { name: string; version?: string } {
  const { name, version } = recordOf(scope);
  return { name: typeof name === 'string' ? name : '', ...(typeof version === 'string' && version && { version }) };
}

/** The list under `key`; absent counts as empty, anything else refuses the batch. */
function listOf(value: unknown, key: string): unknown[] {
  const list = recordOf(value)[key];
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw new AppError('invalid_argument', `Invalid OTel trace: ${key} is not an array`);
  return list;
}

const isAbsent = (value: unknown) =>
  value === undefined || value === null || value === '' || (value instanceof Uint8Array && value.length === 0);

/** Hexadecimal text, bytes, an array of bytes, or a Buffer that went through JSON. */
function idOf(value: unknown, field: string, bytes: number): string {
  const hex = typeof value === 'string' ? value.toLowerCase() : (bytesOf(value)?.toString('hex') ?? '');
  if (hex.length === bytes * 2 && /^[0-9a-f]+$/.test(hex) && !/^0+$/.test(hex)) return hex;
  const reason = isAbsent(value) ? 'absent' : `not ${bytes} bytes`;
  throw new AppError('invalid_argument', `Invalid OTel trace: ${field} is ${reason}`);
}

function bytesOf(value: unknown): Buffer | undefined {
  if (value instanceof Uint8Array) return Buffer.from(value);
  const { type, data } = recordOf(value);
  const parsed = Bytes.safeParse(type === 'Buffer' ? data : value);
  return parsed.success ? Buffer.from(parsed.data) : undefined;
}

const Bytes = z.array(z.int().min(0).max(255)).max(16);

function nanosecondsOf(value: unknown): bigint | undefined {
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return BigInt(value);
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? BigInt(Math.floor(value)) : undefined;
}

const KeyValues = z.array(z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) })).nullish();

function attributesOf(holder: unknown): Record<string, unknown> | undefined {
  const parsed = KeyValues.safeParse(recordOf(holder)['attributes']);
  if (!parsed.success) return undefined;
  return Object.fromEntries((parsed.data ?? []).map(({ key, value }) => [key, plainValue(value)]));
}

/** An AnyValue as Langfuse reads it; lists of keys and bytes stay what the JSON encoding says. */
function plainValue(value: Record<string, unknown>): unknown {
  const { stringValue, doubleValue, boolValue, intValue, arrayValue } = value;
  if (stringValue !== undefined) return stringValue;
  if (doubleValue !== undefined) return doubleValue;
  if (boolValue !== undefined) return boolValue;
  if (intValue !== undefined) return Number(intValue);
  const { values } = recordOf(arrayValue);
  if (Array.isArray(values)) return values.map((member) => plainValue(recordOf(member)));
  return JSON.stringify(value);
}
