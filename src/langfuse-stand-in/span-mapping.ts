import { amountsOf, environmentOf, flattened, jsonOf, levelOf, recordOf, textOf } from './observation.ts';
import type { Observation, ObservationRow } from './observation.ts';
import type { OtlpSpan } from './otlp.ts';
import { costOf } from './prices.ts';

type Attributes = Record<string, unknown>;

/** Langfuse compares in lower case; a type written otherwise does not count. */
const TYPES: Record<string, Observation['type']> = {
  span: 'SPAN',
  generation: 'GENERATION',
  event: 'EVENT',
  agent: 'AGENT',
  tool: 'TOOL',
  chain: 'CHAIN',
  retriever: 'RETRIEVER',
  evaluator: 'EVALUATOR',
  embedding: 'EMBEDDING',
  guardrail: 'GUARDRAIL',
};

const NANOSECONDS_PER_MS = 1_000_000n;
/** The largest time that a Date holds. */
const MS_MAX = 8_640_000_000_000_000n;

/**
 * The row of a span, by the `langfuse.*` attributes as Langfuse v4 maps them (other vendors' attributes are not mapped).
 * Times are floored to milliseconds; a missing one is taken from the other, or is `now`.
 */
export function rowOfSpan(span: OtlpSpan, now: number): ObservationRow {
  const { attributes, resource, scope, trace_id, span_id } = span;
  const first = (keys: string[]) => firstText(attributes, keys);
  const start = isoOf(span.start) ?? isoOf(span.end) ?? new Date(now).toISOString();
  const model = first(['langfuse.observation.model.name', 'gen_ai.response.model', 'gen_ai.request.model']);
  const { 'langfuse.observation.prompt.version': promptVersion } = attributes;
  const usage = amountsOf(jsonAttribute(attributes, 'langfuse.observation.usage_details'));
  const given = amountsOf(jsonAttribute(attributes, 'langfuse.observation.cost_details'));
  const body: Observation = {
    id: span_id,
    traceId: trace_id,
    startTime: start,
    endTime: isoOf(span.end) ?? start,
    parentObservationId: span.parent_span_id,
    isRootObservation: span.parent_span_id === null || ROOT_MARKS.some((mark) => isTrue(attributes[mark])),
    type: typeOf(attributes['langfuse.observation.type']) ?? (model === null ? 'SPAN' : 'GENERATION'),
    name: span.name,
    level: levelOf(attributes['langfuse.observation.level']) ?? (span.status.code === 2 ? 'ERROR' : 'DEFAULT'),
    statusMessage: first(['langfuse.observation.status_message']) ?? span.status.message ?? null,
    version: first(['langfuse.version']) ?? firstText(resource, ['service.version']),
    environment: environmentOf(firstText(attributes, ENVIRONMENT_KEYS) ?? firstText(resource, ENVIRONMENT_KEYS)),
    public: isTrue(attributes['langfuse.trace.public'] ?? attributes['langfuse.public']),
    userId: first(USER_KEYS),
    sessionId: first(SESSION_KEYS),
    completionStartTime: dateOf(attributes['langfuse.observation.completion_start_time']),
    input: textOrNull(attributes['langfuse.observation.input']),
    output: textOrNull(attributes['langfuse.observation.output']),
    metadata: flattened({
      ...(scope.name.startsWith(SDK_SCOPE) ? {} : { attributes: othersOf(attributes) }),
      resourceAttributes: resource,
      scope,
      ...metadataOf(attributes, 'langfuse.observation.metadata'),
      ...metadataOf(attributes, 'langfuse.trace.metadata'),
    }),
    model,
    modelParameters: parametersOf(jsonAttribute(attributes, 'langfuse.observation.model.parameters')),
    usageDetails: usage,
    costDetails: costOf({ model, usage, given }),
    promptName: first(['langfuse.observation.prompt.name', 'langfuse.prompt.name']),
    promptVersion: typeof promptVersion === 'number' ? promptVersion : null,
    traceName: first(['langfuse.trace.name']),
    tags: tagsOf(attributes),
    release: first(['langfuse.release']) ?? firstText(resource, ['langfuse.release']),
  };
  return { trace_id, id: span_id, start_time: start, body };
}

/** Spans of scopes that begin so do not have their attributes repeated in their metadata. */
const SDK_SCOPE = 'langfuse-sdk';
/** What is shown elsewhere, and so is not repeated. */
const SHOWN_KEYS = ['observation.input', 'observation.output', 'trace.input', 'trace.output'].map(
  (key) => `langfuse.${key}`,
);
const ROOT_MARKS = ['langfuse.internal.as_root', 'langfuse.internal.is_app_root'];
const ENVIRONMENT_KEYS = ['langfuse.environment', 'deployment.environment.name', 'deployment.environment'];
const USER_KEYS = ['langfuse.user.id', 'user.id', 'langfuse.observation.metadata.langfuse_user_id'];
const SESSION_KEYS = ['langfuse.session.id', 'session.id', 'langfuse.observation.metadata.langfuse_session_id'];
const TAG_KEYS = ['langfuse.trace.tags', 'langfuse.tags', 'langfuse.observation.metadata.langfuse_tags'];

const othersOf = (attributes: Attributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([key]) => !SHOWN_KEYS.includes(key)));

function isoOf(nanoseconds: bigint | undefined): string | undefined {
  if (nanoseconds === undefined) return undefined;
  const ms = nanoseconds / NANOSECONDS_PER_MS;
  return ms > MS_MAX ? undefined : new Date(Number(ms)).toISOString();
}

function typeOf(value: unknown): Observation['type'] | undefined {
  return typeof value === 'string' && Object.hasOwn(TYPES, value) ? TYPES[value] : undefined;
}

/** The first of the attributes that says something, as text. */
function firstText(attributes: Attributes, keys: string[]): string | null {
  const found = keys.map((key) => attributes[key]).find(Boolean);
  return found === undefined ? null : textOf(found);
}

/** The object that the attribute itself holds (as JSON), with the keys that stand behind its name as attributes of their own. */
function metadataOf(attributes: Attributes, prefix: string): Attributes {
  const own = Object.entries(attributes).filter(([key]) => key.startsWith(`${prefix}.`));
  return {
    ...recordOf(jsonAttribute(attributes, prefix)),
    ...Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length + 1), value])),
  };
}

function jsonAttribute(attributes: Attributes, key: string): unknown {
  const value = attributes[key];
  return typeof value === 'string' ? jsonOf(value) : value;
}

/** Numbers and texts as they are, anything else as JSON. */
export function parametersOf(value: unknown): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(recordOf(value)).map(([key, member]) => [key, typeof member === 'number' ? member : textOf(member)]),
  );
}

function tagsOf(attributes: Attributes): string[] {
  const value = TAG_KEYS.map((key) => attributes[key]).find(Boolean);
  if (value === undefined) return [];
  const list = typeof value === 'string' && value.trim().startsWith('[') ? jsonOf(value) : value;
  if (Array.isArray(list)) return list.map(String);
  return typeof list === 'string' ? list.split(',').map((tag) => tag.trim()) : [];
}

/** A time in any form that Date reads, also as JSON within the text; null for none. */
function dateOf(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const text = value.startsWith('"') ? jsonOf(value) : value;
  const date = new Date(typeof text === 'string' ? text : Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

const textOrNull = (value: unknown) => (value === undefined || value === null ? null : textOf(value));
const isTrue = (value: unknown) => value === true || value === 'true';
