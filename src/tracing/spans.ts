import { createHash } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { ArtifactLink } from '../schemas/artifact.ts';
import { parentKeyOf, spanIdOf, traceIdOf } from '../schemas/identity.ts';
import type { Step } from '../schemas/step.ts';
import type { ObservationType, Span } from '../schemas/trace.ts';

/** The key under which an episode's root span is derived. */
const ROOT_KEY = 'episode';

const TYPES = {
  thought: 'GENERATION',
  tool_call: 'TOOL',
  simulation: 'TOOL',
  review: 'EVALUATOR',
  human: 'EVENT',
  system: 'EVENT',
} as const satisfies Record<Step['kind'], ObservationType>;

/**
 * Makes the function that freezes an ended step as the span that Langfuse shows: ids and times follow from the row, so
 * the same step gives the same bytes. The payload is the JSON of a `Span`, `payload_sha256` its hash.
 */
export function createSpanFreezer({ namespace }: { namespace: string }) {
  return (step: Step, artifacts: ArtifactLink[]) => {
    const { ended_at } = step;
    if (ended_at === null) throw new AppError('internal', 'a span is frozen only when its step has ended');
    const trace_id = traceIdOf(namespace, step.episode_id);
    const span: Span = {
      trace_id,
      span_id: step.span_id,
      parent_span_id: spanIdOf(trace_id, step.run_id, parentKeyOf(step.step_key) ?? ROOT_KEY),
      type: TYPES[step.kind],
      name: step.name,
      level: step.status === 'ok' ? 'DEFAULT' : step.status === 'cancelled' ? 'WARNING' : 'ERROR',
      status_message: step.error?.message ?? null,
      started_at: step.started_at,
      ended_at,
      input: step.input,
      output: step.output,
      model: step.model,
      usage: step.model ? { input: step.input_tokens, output: step.output_tokens, usd: step.usd } : null,
      metadata: {
        episode_id: step.episode_id,
        run_id: step.run_id,
        step: step.seq,
        step_key: step.step_key,
        agent: step.agent,
        langgraph_node: step.node,
        langgraph_step: step.seq,
        artifacts: artifacts.map(({ role, path, sha256 }) => ({ role, path, sha256 })),
      },
    };
    const payload = JSON.stringify(span);
    return {
      trace_id,
      span_id: step.span_id,
      payload,
      payload_sha256: createHash('sha256').update(payload).digest('hex'),
    };
  };
}
