import { hash } from 'node:crypto';
import { LangfuseOtelSpanAttributes as Attribute } from '@langfuse/core';
import { traceIdOf } from '../identity.ts';
import type { contentPathOf } from '../identity.ts';
import type { Json } from '../schemas/primitives.ts';
import type {
  ModelParameters,
  ObservationLevel,
  ObservationType,
  OtlpSpan,
  OtlpValue,
  OutboxSubject,
  FrozenItem,
  TracedEpisode,
} from '../schemas/trace.ts';
import { createRedactor } from './redaction.ts';
import type { Redactor } from './redaction.ts';
import { costOf } from './usage.ts';
import type { UsageByKind } from './usage.ts';

/** The server drops longer values of what applies to the whole trace. In UTF-16 units. */
const TRACE_VALUE_CHARS_MAX = 200;
/** Servers before v4 bound a field at 500 kB, and lists show 200 characters: more is in the step. In UTF-16 units. */
const FIELD_CHARS_MAX = 160_000;

export type SpanFreezerOptions = {
  /** What trace ids derive from, besides the episode's id. */
  namespace: string;
  /** Langfuse's environment: lower-case letters, digits, - and _, at most 40, not beginning with "langfuse". */
  environment?: string;
  /** The build that runs; null where it is not known. */
  release?: string | null;
  redactor?: Redactor;
  /** Where people open an artifact. */
  artifactUrl?: typeof contentPathOf;
  /** Where people look at an episode. */
  pageUrl?: (episodeId: string) => string;
  /** What a model is shown of a tool, by its name; undefined for one that is not known. */
  describeTool?: (name: string) => Json | undefined;
};

/** What a span says, before it is frozen. */
export type Observed = {
  span_id: string;
  parent_span_id: string | null;
  type: ObservationType;
  name: string;
  level: ObservationLevel;
  status_message: string | null;
  started_at: string;
  ended_at: string;
  input: Json;
  output: Json;
  model: { name: string; parameters: ModelParameters | null; usage: UsageByKind; usd: number | null } | null;
  metadata: { [key: string]: Json };
};

/** Makes the function that freezes an observation: secrets are taken out, and the same gives the same bytes. */
export function createFreezer({
  namespace,
  environment = 'development',
  release = null,
  redactor,
}: SpanFreezerOptions) {
  const { json } = redactor ?? createRedactor();
  return (subject: OutboxSubject, episode: TracedEpisode, observed: Observed): FrozenItem => {
    const trace_id = traceIdOf(namespace, episode.id);
    // Before anything becomes text: in JSON's text a member's name is no longer distinct from its value.
    const clean = json(observed);
    const { task, agent, tags, metadata } = episode;
    const common = ofTrace({ ...episode, ...json({ task, agent, tags, metadata }) }, { environment, release });
    const payload = JSON.stringify(toOtlp(trace_id, clean, [...common, ...ofSpan(clean)]));
    const payload_sha256 = hash('sha256', payload);
    return { span_id: observed.span_id, trace_id, subject, payload, payload_sha256 };
  };
}

/** The episode and run that a span is of, in its metadata. */
export const where = (episode_id: string, run_id: string) => ({ episode_id, run_id });

type Attributes = [key: string, value: string | string[] | null][];

/** What every span of the trace says alike, so that it can be found by any of them. */
function ofTrace(episode: TracedEpisode, deployment: { environment: string; release: string | null }): Attributes {
  const { session_id, user_id } = episode.metadata;
  return [
    [Attribute.TRACE_NAME, cut(episode.task.split('\n', 1)[0] ?? '')],
    [Attribute.TRACE_SESSION_ID, typeof session_id === 'string' ? cut(session_id) : episode.id],
    [Attribute.TRACE_USER_ID, typeof user_id === 'string' ? cut(user_id) : 'observatory'],
    [Attribute.TRACE_TAGS, [episode.agent, ...episode.tags]],
    [Attribute.ENVIRONMENT, deployment.environment],
    [Attribute.RELEASE, deployment.release],
    [Attribute.VERSION, episode.code_version],
  ];
}

function ofSpan(observed: Observed): Attributes {
  const { model } = observed;
  const { page } = observed.metadata;
  const root = observed.parent_span_id === null;
  return [
    [Attribute.OBSERVATION_TYPE, observed.type.toLowerCase()],
    [Attribute.OBSERVATION_LEVEL, observed.level],
    [Attribute.OBSERVATION_STATUS_MESSAGE, observed.status_message],
    [Attribute.OBSERVATION_INPUT, field(observed.input)],
    [Attribute.OBSERVATION_OUTPUT, field(observed.output)],
    [Attribute.TRACE_INPUT, root ? field(observed.input) : null],
    [Attribute.TRACE_OUTPUT, root ? field(observed.output) : null],
    [`${Attribute.TRACE_METADATA}.page`, root && typeof page === 'string' ? page : null],
    [Attribute.OBSERVATION_MODEL, model && model.name],
    [Attribute.OBSERVATION_MODEL_PARAMETERS, model?.parameters ? JSON.stringify(model.parameters) : null],
    [Attribute.OBSERVATION_USAGE_DETAILS, model && JSON.stringify(model.usage)],
    [Attribute.OBSERVATION_COST_DETAILS, costOf(model?.usd)],
    ...Object.entries(observed.metadata).map(([key, value]): Attributes[number] => [
      `${Attribute.OBSERVATION_METADATA}.${key}`,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ];
}

function toOtlp(traceId: string, observed: Observed, attributes: Attributes): OtlpSpan {
  const { parent_span_id, status_message } = observed;
  return {
    traceId,
    spanId: observed.span_id,
    ...(parent_span_id !== null && { parentSpanId: parent_span_id }),
    name: observed.name,
    kind: 1,
    startTimeUnixNano: nanosecondsOf(observed.started_at),
    endTimeUnixNano: nanosecondsOf(observed.ended_at),
    attributes: attributes.flatMap(([key, value]) => (value === null ? [] : [{ key, value: otlp(value) }])),
    status:
      observed.level === 'ERROR'
        ? { code: 2, ...(status_message !== null && { message: status_message }) }
        : { code: 0 },
  };
}

const otlp = (value: string | string[]): OtlpValue =>
  typeof value === 'string'
    ? { stringValue: value }
    : { arrayValue: { values: value.map((one) => ({ stringValue: one })) } };

const cut = (text: string) => (text.length <= TRACE_VALUE_CHARS_MAX ? text : `${text.slice(0, 199)}…`.toWellFormed());

/** A field's text; one beyond the bound is cut, and says so: the whole is in the step. */
function field(value: Json): string | null {
  if (value === null) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text.length <= FIELD_CHARS_MAX) return text;
  return `${text.slice(0, FIELD_CHARS_MAX).toWellFormed()}… (cut at ${FIELD_CHARS_MAX} of ${text.length} characters)`;
}

/** ISO 8601 UTC with up to nine decimals as nanoseconds since 1970. */
function nanosecondsOf(iso: string): string {
  const [, seconds = iso, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(iso) ?? [];
  return `${BigInt(Date.parse(`${seconds}Z`)) / 1000n}${fraction.slice(0, 9).padEnd(9, '0')}`;
}
