import type { SentItem } from '../../db/read/trace-outbox.ts';
import { AppError } from '../../errors.ts';
import type { Observation } from '../../schemas/trace.ts';
import type { Look } from '../../tracing/delivery-state.ts';
import type { LangfuseClient } from '../../tracing/langfuse-client.ts';
import type { LangfuseServer } from '../../tracing/langfuse-server.ts';

/** What a look showed of each item, and why where something was not answered. */
export type Looks = { looks: Map<string, Look>; failures: AppError[] };

/**
 * Looks for items of any traces: spans with one read for all of them, scores by their ids. A server that cannot list scores
 * has said of each that it took it.
 */
export async function lookFor(
  langfuse: LangfuseClient,
  items: SentItem[],
  { server, signal }: { server: LangfuseServer; signal: AbortSignal | undefined },
): Promise<Looks> {
  const looks = new Map<string, Look>();
  const failures: AppError[] = [];
  const look = async (part: SentItem[], isThere: () => Promise<(item: SentItem) => boolean>) => {
    if (part.length === 0) return;
    try {
      const there = await isThere();
      for (const item of part) looks.set(item.span_id, there(item) ? 'seen' : 'absent');
    } catch (error) {
      // No answer is no absence: the next look decides.
      failures.push(AppError.from(error));
      for (const { span_id } of part) looks.set(span_id, 'no_answer');
    }
  };
  const scores = items.filter(({ subject }) => subject === 'score');
  const pictures = items.filter(({ subject }) => subject === 'media');
  const spans = items.filter(({ subject }) => subject !== 'score' && subject !== 'media');
  await look(spans, () => seenSpans(langfuse, spans, { server, signal }));
  for (const some of scoresTogether(scores, server))
    await look(some, () => seenScores(langfuse, some, { server, signal }));
  for (const one of pictures) {
    const { sha256 } = one;
    if (sha256 !== null)
      await look([one], async () =>
        (
          (there) => () =>
            there
        )(await langfuse.media.has(sha256)),
      );
  }
  return { looks, failures };
}

type At = { server: LangfuseServer; signal: AbortSignal | undefined };

async function seenSpans(langfuse: LangfuseClient, spans: SentItem[], { server, signal }: At) {
  const times = timesOf(spans);
  const traces = [...new Set(spans.map(({ trace_id }) => trace_id))];
  const rows = Map.groupBy(await langfuse.listObservations(server, { traces, ...times }, signal), ({ id }) => id);
  return ({ subject, observation_id, span_id, ended_ns }: SentItem) => {
    const shown = rows.get(observation_id ?? span_id) ?? [];
    return subject === 'root' ? shown.some((row) => hasEnd(row, ended_ns)) : shown.length > 0;
  };
}

/** Whether the row is the root of an episode that has ended: it is sent as the episode begins, too, without a length. */
function hasEnd({ endTime }: Observation, ended_ns: string | null): boolean {
  if (ended_ns === null || endTime === undefined || endTime === null) return true;
  return Date.parse(endTime) === Number(BigInt(ended_ns) / 1_000_000n);
}

async function seenScores(langfuse: LangfuseClient, scores: SentItem[], { server, signal }: At) {
  const ids = scores.map(({ span_id }) => span_id);
  const found = await langfuse.listScores(server, { ids, trace_id: scores[0]?.trace_id ?? '' }, signal);
  const there = found && new Set(found);
  return ({ span_id, state }: SentItem) => (there ? there.has(span_id) : state === 'accepted');
}

const scoresTogether = (scores: SentItem[], server: LangfuseServer): SentItem[][] =>
  server.scores === 'endpoint' ? [scores] : [...Map.groupBy(scores, ({ trace_id }) => trace_id).values()];

/** The times between which all of the spans began: servers floor them to milliseconds. */
function timesOf(spans: SentItem[]): { from?: string; to?: string } {
  const starts = spans.flatMap(({ started_ns }) =>
    started_ns === null ? [] : Number(BigInt(started_ns) / 1_000_000n),
  );
  if (starts.length < spans.length || starts.length === 0) return {};
  const [from, to] = starts.reduce(([least, most], ms) => [Math.min(least, ms), Math.max(most, ms)], [Infinity, 0]);
  return { from: new Date(from).toISOString(), to: new Date(to + 1).toISOString() };
}
