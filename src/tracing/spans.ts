import { AppError } from '../errors.ts';
import { attemptSpanIdOf } from '../identity.ts';
import type { Step, StepAttempt } from '../schemas/step.ts';
import type { Json } from '../schemas/primitives.ts';
import type { EndedStep, FrozenItem, ObservationLevel, ObservationType } from '../schemas/trace.ts';
import { chatInput, chatOutput, toolsOf } from './chat.ts';
import { freezeMedia, mediaTag, postersOf } from './media.ts';
import { createFreezer, where } from './otlp-span.ts';
import type { SpanFreezerOptions, Observed } from './otlp-span.ts';
import { usageOf } from './usage.ts';

/** What Langfuse calls each kind of step. */
export const TYPE_OF_KIND = {
  thought: 'GENERATION',
  tool_call: 'TOOL',
  simulation: 'TOOL',
  review: 'EVALUATOR',
  human: 'EVENT',
  system: 'EVENT',
} as const satisfies Record<Step['kind'], ObservationType>;

/**
 * Makes the function that freezes an ended step as what Langfuse shows: its own span first, then one for each attempt that
 * failed, then its pictures. Ids and times follow from the rows, so the same rows give the same bytes; secrets are taken out.
 */
export function createSpanFreezer(options: SpanFreezerOptions) {
  const freeze = createFreezer(options);
  return (ended: EndedStep): FrozenItem[] => {
    const { step, episode } = ended;
    const own = freeze('step', episode, describeStep(ended, options));
    const failed = ended.failed.map((attempt) =>
      freeze('attempt', episode, describeAttempt(step, attempt, own.trace_id)),
    );
    return [own, ...failed, ...postersOf(ended.artifacts).map((poster) => freezeMedia(own, poster))];
  };
}

/** An `s3://` address of an artifact, which no browser opens. */
const STORED = /s3:\/\/[^\s"]+\/([0-9a-f]{64})(?![0-9a-f])/g;

/** The value with addresses that people can open. */
function linked(value: Json | null, artifactUrl: SpanFreezerOptions['artifactUrl']): Json {
  if (value === null || !artifactUrl) return value;
  const text = JSON.stringify(value);
  return text.includes('s3://')
    ? (JSON.parse(text.replace(STORED, (_, sha256: string) => artifactUrl(sha256))) as Json)
    : value;
}

/** Where Langfuse's graph draws the step: all calls of one thought side by side after it, however they are numbered. */
const placeInGraph = ({ node, seq, parent_seq }: Step) => ({
  langgraph_node: node,
  langgraph_step: parent_seq === null ? seq : parent_seq + 1,
});

function describeStep(
  { step, parent_span_id, artifacts, model_input }: EndedStep,
  { artifactUrl, describeTool }: SpanFreezerOptions,
): Observed {
  const { ended_at } = step;
  if (ended_at === null) throw new AppError('internal', 'a span is frozen only when its step has ended');
  const thought = step.kind === 'thought';
  const { said, beside } = thought ? chatOutput(step.output) : { said: step.output, beside: {} };
  return {
    span_id: step.span_id,
    parent_span_id,
    type: TYPE_OF_KIND[step.kind],
    name: thought ? `${step.agent} · ${step.name}` : step.name,
    level: levelOf(step),
    status_message: step.error?.message ?? step.status_detail,
    started_at: step.started_at,
    ended_at,
    input: model_input ? chatInput(model_input, toolsOf(step.input, describeTool)) : step.input,
    output: linked(said, artifactUrl),
    model:
      step.model === null
        ? null
        : { name: step.model, parameters: model_input?.parameters ?? null, usage: usageOf(step), usd: step.usd },
    metadata: {
      ...where(step.episode_id, step.run_id),
      step: step.seq,
      step_id: step.id,
      step_key: step.step_key,
      agent: step.agent,
      attempts: step.attempt_count,
      ...(step.status_detail !== null && { status_detail: step.status_detail }),
      ...(step.served_from !== null && { served_from: step.served_from }),
      ...beside,
      ...placeInGraph(step),
      ...(postersOf(artifacts)[0] && { poster: postersOf(artifacts).map(mediaTag).join(' ') }),
      artifacts: artifacts.map(({ role, path, sha256 }) => ({
        role,
        path,
        sha256,
        ...(artifactUrl && { url: artifactUrl(sha256, { step_id: step.id, path }) }),
      })),
    },
  };
}

function levelOf({ status, status_detail }: Step): ObservationLevel {
  if (status === 'ok') return status_detail === null ? 'DEFAULT' : 'WARNING';
  return status === 'cancelled' ? 'WARNING' : 'ERROR';
}

function describeAttempt(
  step: Step,
  { attempt, status, started_at, ended_at, error, worker }: StepAttempt,
  trace: string,
): Observed {
  const lost = 'it was lost: its worker died or stopped answering';
  return {
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
      ...placeInGraph(step),
    },
  };
}
