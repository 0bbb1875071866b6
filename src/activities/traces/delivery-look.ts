import type { SentItem } from '../../db/read/trace-outbox.ts';
import type { Look } from '../../tracing/delivery-state.ts';
import type { LangfuseClient, LangfuseServer } from '../../tracing/langfuse-client.ts';

/** What a look at one trace showed of each item. A server that cannot list scores has said of each that it took it. */
export async function lookAtTrace(
  langfuse: LangfuseClient,
  items: SentItem[],
  { server, signal }: { server: LangfuseServer; signal: AbortSignal | undefined },
): Promise<Map<string, Look>> {
  const [first] = items;
  if (!first) return new Map();
  const spans = items.filter(({ subject }) => subject !== 'score' && subject !== 'media');
  const pictures = items.filter(({ subject }) => subject === 'media');
  const scores = items.filter(({ subject }) => subject === 'score');
  const seen = async (part: SentItem[], ids: () => Promise<Set<string> | undefined>): Promise<[string, Look][]> => {
    if (part.length === 0) return [];
    try {
      const there = await ids();
      const lookOf = ({ span_id, state }: SentItem): Look =>
        there ? (there.has(span_id) ? 'seen' : 'absent') : state === 'accepted' ? 'seen' : 'absent';
      return part.map((item) => [item.span_id, lookOf(item)]);
    } catch {
      // Not an answer is no absence: the next look will tell.
      return part.map(({ span_id }) => [span_id, 'no_answer']);
    }
  };
  const from = earliest(spans);
  const hashes = pictures.flatMap(({ span_id, sha256 }) => (sha256 === null ? [] : [{ span_id, sha256 }]));
  return new Map([
    ...(await seen(spans, async () => {
      const trace = { id: first.trace_id, ...(from !== undefined && { from }) };
      return new Set((await langfuse.listObservations(server, trace, signal)).map(({ id }) => id));
    })),
    ...(await seen(pictures, async () => {
      const there = new Set<string>();
      for (const { span_id, sha256 } of hashes) if (await langfuse.media.has(sha256)) there.add(span_id);
      return there;
    })),
    ...(await seen(scores, async () => {
      const ids = await langfuse.listScores(server, first.trace_id, signal);
      return ids && new Set(ids);
    })),
  ]);
}

/** The first millisecond in which one of the spans began: servers floor times to milliseconds. */
function earliest(spans: SentItem[]): string | undefined {
  const starts = spans.flatMap(({ started_ns }) =>
    started_ns === null ? [] : Number(BigInt(started_ns) / 1_000_000n),
  );
  return starts.length === 0 ? undefined : new Date(Math.min(...starts)).toISOString();
}
