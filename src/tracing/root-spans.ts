import { hash } from 'node:crypto';
import { rootSpanIdOf, traceIdOf } from '../identity.ts';
import type { Json } from '../schemas/primitives.ts';
import type { FrozenItem, ObservationLevel, TracedEpisode } from '../schemas/trace.ts';
import { createFreezer, where } from './otlp-span.ts';
import type { SpanFreezerOptions, Observed } from './otlp-span.ts';

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

/** The first line of runs, which begins the episode. */
export type BegunLine = Pick<EndedLine, 'episode' | 'run' | 'started_at'>;

/** Makes the function that freezes the root span of a line of runs that ended. */
export function createRootFreezer(options: SpanFreezerOptions) {
  const freeze = createFreezer(options);
  return (line: EndedLine): FrozenItem => freeze('root', line.episode, describeRoot(options, line));
}

/**
 * Makes the function that freezes the root span of an episode that has begun, so that it is listed while it runs. It has no
 * length yet; the same span with its end comes in its place. In the outbox it is an item of its own.
 */
export function createBegunFreezer(options: SpanFreezerOptions) {
  const freeze = createFreezer(options);
  return (line: BegunLine): FrozenItem => {
    const open = { ended_at: line.started_at, level: 'DEFAULT', status_message: null, output: null } as const;
    const span = freeze('begun', line.episode, describeRoot(options, { ...line, ...open }));
    return { ...span, span_id: hash('sha256', `${span.span_id}|begun`).slice(0, 16) };
  };
}

function describeRoot(
  { namespace, pageUrl }: SpanFreezerOptions,
  { episode, run, output, ...rest }: EndedLine,
): Observed {
  const { id, agent, seed, task } = episode;
  return {
    ...rest,
    span_id: rootSpanIdOf(traceIdOf(namespace, id), run),
    parent_span_id: null,
    type: 'AGENT',
    name: agent,
    input: { task, seed },
    output,
    model: null,
    metadata: {
      ...where(id, run),
      ...originOf(episode),
      ...(pageUrl && { page: pageUrl(id) }),
      agent,
      langgraph_node: '__start__',
      langgraph_step: 0,
    },
  };
}

/** Where the episode comes from that is no original; nothing is said of one that is. */
function originOf({ generation_kind, parent_episode_id, forked_from_seq, recorded_until }: TracedEpisode) {
  if (!parent_episode_id) return {};
  const origin = { generation_kind: generation_kind ?? null, parent_episode_id, forked_from_seq: forked_from_seq ?? 0 };
  return recorded_until ? { ...origin, recorded_until } : origin;
}
