import { LangfuseOtelSpanAttributes as Attribute } from '@langfuse/core';
import type { ApiIngestionEvent } from 'langfuse';
import type { OtlpSpan, Score } from '../schemas/trace.ts';

// What servers before 3.22 take: the same frozen spans as events of the ingestion API. They merge what has the same id, so
// sending again changes nothing. Of observation types they know SPAN, GENERATION and EVENT only.

/** The events of these spans: each span's own, and one per trace for what all of them say alike. */
export function ingestionEvents(spans: OtlpSpan[]): ApiIngestionEvent[] {
  const traces = new Map<string, ApiIngestionEvent>();
  const observations = spans.map((span) => {
    const read = reader(span);
    const root = span.parentSpanId === undefined;
    if (root || !traces.has(span.traceId)) traces.set(span.traceId, traceEvent(span, read));
    return observationEvent(span, read);
  });
  return [...traces.values(), ...observations];
}

/** The event of a score. Every server takes it. */
export function scoreEvent({ timestamp, ...score }: Score): ApiIngestionEvent {
  return event('score-create', { id: `${score.id}-score`, timestamp }, score);
}

type Reader = ReturnType<typeof reader>;

function reader({ attributes }: OtlpSpan) {
  const values = new Map(attributes.map(({ key, value }) => [key, value]));
  const text = (key: string) => {
    const value = values.get(key);
    return value && 'stringValue' in value ? value.stringValue : undefined;
  };
  return {
    text,
    json: (key: string): unknown => {
      const value = text(key);
      return value === undefined ? undefined : parsed(value);
    },
    list: (key: string) => {
      const value = values.get(key);
      return value && 'arrayValue' in value ? value.arrayValue.values.map(({ stringValue }) => stringValue) : undefined;
    },
    metadata: () => {
      const prefix = `${Attribute.OBSERVATION_METADATA}.`;
      const own = [...values.keys()].filter((key) => key.startsWith(prefix));
      return Object.fromEntries(own.map((key) => [key.slice(prefix.length), parsed(text(key) ?? '')]));
    },
  };
}

function traceEvent({ traceId, spanId, startTimeUnixNano }: OtlpSpan, { text, json, list }: Reader): ApiIngestionEvent {
  const timestamp = isoMs(startTimeUnixNano);
  return event(
    'trace-create',
    { id: `${spanId}-trace`, timestamp },
    {
      id: traceId,
      name: text(Attribute.TRACE_NAME),
      sessionId: text(Attribute.TRACE_SESSION_ID),
      userId: text(Attribute.TRACE_USER_ID),
      tags: list(Attribute.TRACE_TAGS),
      environment: text(Attribute.ENVIRONMENT),
      release: text(Attribute.RELEASE),
      version: text(Attribute.VERSION),
      input: json(Attribute.TRACE_INPUT),
      output: json(Attribute.TRACE_OUTPUT),
    },
  );
}

function observationEvent(span: OtlpSpan, { text, json, metadata }: Reader): ApiIngestionEvent {
  const type = text(Attribute.OBSERVATION_TYPE);
  const startTime = isoMs(span.startTimeUnixNano);
  const body = {
    id: span.spanId,
    traceId: span.traceId,
    parentObservationId: span.parentSpanId,
    name: span.name,
    startTime,
    input: json(Attribute.OBSERVATION_INPUT),
    output: json(Attribute.OBSERVATION_OUTPUT),
    level: text(Attribute.OBSERVATION_LEVEL),
    statusMessage: text(Attribute.OBSERVATION_STATUS_MESSAGE),
    metadata: { ...metadata(), observation_type: type },
    environment: text(Attribute.ENVIRONMENT),
    version: text(Attribute.VERSION),
  };
  // A root that has begun is sent again when it has ended: later, and under another event's id.
  const begun = span.parentSpanId === undefined && span.startTimeUnixNano === span.endTimeUnixNano;
  const of = { id: begun ? `${span.spanId}-begun` : span.spanId, timestamp: isoMs(span.endTimeUnixNano) };
  if (type === 'event') return event('event-create', of, body);
  const ended = { ...body, endTime: isoMs(span.endTimeUnixNano) };
  if (type !== 'generation') return event('span-create', of, ended);
  return event('generation-create', of, {
    ...ended,
    model: text(Attribute.OBSERVATION_MODEL),
    modelParameters: json(Attribute.OBSERVATION_MODEL_PARAMETERS),
    usageDetails: json(Attribute.OBSERVATION_USAGE_DETAILS),
    costDetails: json(Attribute.OBSERVATION_COST_DETAILS),
  });
}

/** Event ids derive from the contents, so that the server knows one that it has seen. */
function event(type: string, { id, timestamp }: { id: string; timestamp: string }, body: object): ApiIngestionEvent {
  const defined = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
  return { type, id, timestamp, body: defined } as ApiIngestionEvent;
}

const isoMs = (nanoseconds: string) => new Date(Number(BigInt(nanoseconds) / 1_000_000n)).toISOString();

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // it was text before it was frozen
  }
}
