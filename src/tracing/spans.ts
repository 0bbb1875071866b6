import { hash } from 'node:crypto';
import { LangfuseOtelSpanAttributes as Attribute } from '@langfuse/core';
import { AppError } from '../errors.ts';
import { attemptSpanIdOf, rootSpanIdOf, traceIdOf } from '../identity.ts';
import type { Json } from '../schemas/primitives.ts';
import type { Step, StepAttempt } from '../schemas/step.ts';
import type {
  ModelParameters,
  ObservationLevel,
  ObservationType,
  OtlpSpan,
  OtlpValue,
  OutboxSubject,
  TracedEpisode,
  EndedStep,
  FrozenItem,
} from '../schemas/trace.ts';
import { nanosecondsOf } from './nanoseconds.ts';
import { freezeMedia, mediaTag, postersOf } from './media.ts';
import { createRedactor } from './redaction.ts';
import type { Redactor } from './redaction.ts';

/** What Langfuse calls each kind of step. */
export const TYPE_OF_KIND = {
  thought: 'GENERATION',
  tool_call: 'TOOL',
  simulation: 'TOOL',
  review: 'EVALUATOR',
  human: 'EVENT',
  system: 'EVENT',
} as const satisfies Record<Step['kind'], ObservationType>;

/** The server drops longer values of what applies to the whole trace. In UTF-16 units. */
const TRACE_VALUE_CHARS_MAX = 200;
/** Langfuse bounds a field at about 500 kB. In UTF-16 units, so that text of any language stays below it. */
const FIELD_CHARS_MAX = 160_000;

/** A line of runs that ended. `run` began it; `output` is how it came out. */
export type EndedLine = {
  episode: TracedEpisode;
  run: string;
  started_at: string;
  ended_at: string;
  level: ObservationLevel;
  status_message: string | null;
  output: Json;
};

export type SpanFreezerOptions = {
  /** What trace ids derive from, besides the episode's id. */
  namespace: string;
  /** Langfuse's environment: lower-case letters, digits, - and _, at most 40, not beginning with "langfuse". */
  environment?: string;
  /** The build that runs; null where it is not known. */
  release?: string | null;
  redactor?: Redactor;
  /** Where people open an artifact. */
  artifactUrl?: (sha256: string) => string;
};

/**
 * Makes the function that freezes an ended step as what Langfuse shows: its own span first, then one for each attempt that
 * failed, then its pictures. Ids and times follow from the rows, so the same rows give the same bytes; secrets are taken out.
 */
export function createSpanFreezer(options: SpanFreezerOptions) {
  const freeze = createFreezer(options);
  return (ended: EndedStep): FrozenItem[] => {
    const { step, episode } = ended;
    const own = freeze('step', episode, tellStep(ended, options.artifactUrl));
    const failed = ended.failed.map((attempt) => freeze('attempt', episode, tellAttempt(step, attempt, own.trace_id)));
    return [own, ...failed, ...postersOf(ended.artifacts).map((poster) => freezeMedia(own, poster))];
  };
}

/** Makes the function that freezes the root span of a line of runs that ended. */
export function createRootFreezer(options: SpanFreezerOptions) {
  const freeze = createFreezer(options);
  return ({ episode, run, output, ...told }: EndedLine): FrozenItem => {
    const { id, agent, seed, task } = episode;
    return freeze('root', episode, {
      ...told,
      span_id: rootSpanIdOf(traceIdOf(options.namespace, id), run),
      parent_span_id: null,
      type: 'AGENT',
      name: agent,
      input: { task, seed },
      output,
      model: null,
      metadata: { ...where(id, run), ...originOf(episode), agent, langgraph_node: '__start__', langgraph_step: 0 },
    });
  };
}

function createFreezer({ namespace, environment = 'development', release = null, redactor }: SpanFreezerOptions) {
  const { json } = redactor ?? createRedactor();
  return (subject: OutboxSubject, episode: TracedEpisode, told: Told): FrozenItem => {
    const trace_id = traceIdOf(namespace, episode.id);
    // Before anything becomes text: in JSON's text a member's name and its value are no longer told apart.
    const clean = json(told);
    const { task, agent, tags, metadata } = episode;
    const common = ofTrace({ ...episode, ...json({ task, agent, tags, metadata }) }, { environment, release });
    const payload = JSON.stringify(toOtlp(trace_id, clean, [...common, ...ofSpan(clean)]));
    const payload_sha256 = hash('sha256', payload);
    return { span_id: told.span_id, trace_id, subject, payload, payload_sha256 };
  };
}

type Told = {
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
  model: { name: string; parameters: ModelParameters | null; input: number; output: number; usd: number } | null;
  metadata: { [key: string]: Json };
};

/** Where the episode comes from that is no original; nothing is said of one that is. */
function originOf({ generation_kind, parent_episode_id, forked_from_seq, recorded_until }: TracedEpisode) {
  if (!parent_episode_id) return {};
  const origin = { generation_kind: generation_kind ?? null, parent_episode_id, forked_from_seq: forked_from_seq ?? 0 };
  return recorded_until ? { ...origin, recorded_until } : origin;
}

const where = (episode_id: string, run_id: string) => ({ episode_id, run_id });

function tellStep(
  { step, parent_span_id, artifacts, heard }: EndedStep,
  artifactUrl?: (sha256: string) => string,
): Told {
  const { ended_at } = step;
  if (ended_at === null) throw new AppError('internal', 'a span is frozen only when its step has ended');
  return {
    span_id: step.span_id,
    parent_span_id,
    type: TYPE_OF_KIND[step.kind],
    name: step.name,
    level: step.status === 'ok' ? 'DEFAULT' : step.status === 'cancelled' ? 'WARNING' : 'ERROR',
    status_message: step.error?.message ?? null,
    started_at: step.started_at,
    ended_at,
    input: heard?.messages ?? step.input,
    output: step.output,
    model:
      step.model === null
        ? null
        : {
            name: step.model,
            parameters: heard?.parameters ?? null,
            input: step.input_tokens,
            output: step.output_tokens,
            usd: step.usd,
          },
    metadata: {
      ...where(step.episode_id, step.run_id),
      step: step.seq,
      step_id: step.id,
      step_key: step.step_key,
      agent: step.agent,
      attempts: step.attempt_count,
      ...(step.served_from !== null && { served_from: step.served_from }),
      langgraph_node: step.node,
      langgraph_step: step.seq,
      ...(postersOf(artifacts)[0] && { poster: postersOf(artifacts).map(mediaTag).join(' ') }),
      artifacts: artifacts.map(({ role, path, sha256 }) => ({
        role,
        path,
        sha256,
        ...(artifactUrl && { url: artifactUrl(sha256) }),
      })),
    },
  };
}

function tellAttempt(step: Step, { attempt, status, started_at, ended_at, error, worker }: StepAttempt, trace: string) {
  const lost = 'it was lost: its worker died or stopped answering';
  const told: Told = {
    span_id: attemptSpanIdOf(trace, step, attempt),
    parent_span_id: step.span_id,
    type: 'SPAN',
    name: `${step.name} · attempt ${attempt}`,
    level: 'WARNING',
    status_message: error?.message ?? lost,
    started_at,
    ended_at: ended_at ?? step.ended_at ?? started_at,
    input: null,
    output: error && { code: error.code, message: error.message },
    model: null,
    metadata: {
      ...where(step.episode_id, step.run_id),
      step: step.seq,
      attempt,
      status,
      worker,
      langgraph_node: step.node,
      langgraph_step: step.seq,
    },
  };
  return told;
}

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

function ofSpan(told: Told): Attributes {
  const { model } = told;
  const root = told.parent_span_id === null;
  return [
    [Attribute.OBSERVATION_TYPE, told.type.toLowerCase()],
    [Attribute.OBSERVATION_LEVEL, told.level],
    [Attribute.OBSERVATION_STATUS_MESSAGE, told.status_message],
    [Attribute.OBSERVATION_INPUT, field(told.input)],
    [Attribute.OBSERVATION_OUTPUT, field(told.output)],
    [Attribute.TRACE_INPUT, root ? field(told.input) : null],
    [Attribute.TRACE_OUTPUT, root ? field(told.output) : null],
    [Attribute.OBSERVATION_MODEL, model && model.name],
    [Attribute.OBSERVATION_MODEL_PARAMETERS, model?.parameters ? JSON.stringify(model.parameters) : null],
    [Attribute.OBSERVATION_USAGE_DETAILS, model && JSON.stringify({ input: model.input, output: model.output })],
    [Attribute.OBSERVATION_COST_DETAILS, model && JSON.stringify({ total: model.usd })],
    ...Object.entries(told.metadata).map(([key, value]): Attributes[number] => [
      `${Attribute.OBSERVATION_METADATA}.${key}`,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ];
}

function toOtlp(traceId: string, told: Told, attributes: Attributes): OtlpSpan {
  const { parent_span_id, status_message } = told;
  return {
    traceId,
    spanId: told.span_id,
    ...(parent_span_id !== null && { parentSpanId: parent_span_id }),
    name: told.name,
    kind: 1,
    startTimeUnixNano: nanosecondsOf(told.started_at),
    endTimeUnixNano: nanosecondsOf(told.ended_at),
    attributes: attributes.flatMap(([key, value]) => (value === null ? [] : [{ key, value: otlp(value) }])),
    status:
      told.level === 'ERROR' ? { code: 2, ...(status_message !== null && { message: status_message }) } : { code: 0 },
  };
}

const otlp = (value: string | string[]): OtlpValue =>
  typeof value === 'string'
    ? { stringValue: value }
    : { arrayValue: { values: value.map((one) => ({ stringValue: one })) } };

const cut = (text: string) => (text.length <= TRACE_VALUE_CHARS_MAX ? text : `${text.slice(0, 199)}…`.toWellFormed());

/** A field's text; one beyond Langfuse's bound is cut, and says so: the whole is in the step. */
function field(value: Json): string | null {
  if (value === null) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text.length <= FIELD_CHARS_MAX) return text;
  return `${text.slice(0, FIELD_CHARS_MAX).toWellFormed()}… (cut at ${FIELD_CHARS_MAX} of ${text.length} characters)`;
}
