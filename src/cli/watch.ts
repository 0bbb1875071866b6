import { followEpisode } from './follow.ts';
import type { Client, EpisodeAnswer } from '../client/client.ts';
import { renderStep } from './render.ts';

/** Calls `work` with a signal that Ctrl-C aborts; undefined when that is how it ended. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const interrupted = new AbortController();
  const onSignal = () => interrupted.abort();
  process.once('SIGINT', onSignal);
  try {
    return await work(interrupted.signal);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    return undefined;
  } finally {
    process.off('SIGINT', onSignal);
  }
}

/** Follows the episode to its end; Ctrl-C leaves it running, says so, and resolves with undefined. */
export async function watchEpisode(
  client: Client,
  id: string,
  stream: NodeJS.WriteStream,
): Promise<EpisodeAnswer | undefined> {
  const ended = await untilInterrupted((signal) => {
    // Whoever has read this may press Ctrl-C.
    stream.write(`Episode ${id}\n`);
    return followEpisode(client, id, { signal, onStep: (step) => stream.write(`${renderStep(step, stream)}\n`) });
  });
  if (ended) return ended;
  stream.write(`\nThe episode goes on without being watched. Cancel it: observatory episodes cancel ${id}\n`);
  process.exitCode = 1;
  return undefined;
}
