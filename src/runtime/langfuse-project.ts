import { setTimeout as pause } from 'node:timers/promises';
import type { LangfuseClient } from '../tracing/langfuse-client.ts';

/** How long it is waited before asking again, doubled each time up to the maximum. */
const ASK_AGAIN_MS = 1_000;
const ASK_AGAIN_MS_MAX = 60_000;

/**
 * Finds the address under which Langfuse shows our traces: its pages name the project, which only the server knows. The
 * function that it returns says the address, null until the server has said it; it is asked in the background until then.
 */
export function findLangfuseProject(
  { base_url, client }: { base_url: string; client: Pick<LangfuseClient, 'findProject'> },
  signal: AbortSignal,
): () => string | null {
  let found: string | null = null;
  const search = async () => {
    for (let wait_ms = ASK_AGAIN_MS; !signal.aborted; wait_ms = Math.min(2 * wait_ms, ASK_AGAIN_MS_MAX))
      try {
        const project = await client.findProject(signal);
        found = `${base_url.replace(/\/+$/, '')}/project/${encodeURIComponent(project)}`;
        return;
      } catch {
        // Away, or it does not know the keys, for which delivery raises an alert: there are no links until that is mended.
        await pause(wait_ms, undefined, { signal, ref: false }).catch(() => {});
      }
  };
  void search();
  return () => found;
}
