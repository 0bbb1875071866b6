import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** The channel on which triggers wake listeners; the payload is the episode's id. It only wakes: the rows are the truth. */
const EPISODE_CHANNEL = 'observatory_episode';

/** Time between tries to reach a database that is away. */
const RECONNECT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 10_000;

/** Wakes whoever subscribed when something was committed for an episode; all of them when wakes may have been missed. */
export type EpisodeListener = AsyncDisposable & {
  /** Calls `wake` until the returned function is called. */
  subscribe(episodeId: string, wake: () => void): () => void;
};

/**
 * Listens for all episodes on one connection of its own, which is opened again when it breaks. Readers must look from time
 * to time even unwoken: behind a pooler that shares connections by transaction nothing arrives here.
 */
export function listenToEpisodes(url: string): EpisodeListener {
  const wakes = new Map<string, Set<() => void>>();
  const stopped = new AbortController();
  const listening = listen(url, {
    signal: stopped.signal,
    onEpisode: (id) => wakes.get(id)?.forEach((wake) => wake()),
    onListening: () => wakes.forEach((each) => each.forEach((wake) => wake())),
  });
  return {
    subscribe(episodeId, wake) {
      const own = wakes.get(episodeId) ?? new Set();
      wakes.set(episodeId, own.add(wake));
      return () => {
        own.delete(wake);
        if (own.size === 0 && wakes.get(episodeId) === own) wakes.delete(episodeId);
      };
    },
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await listening;
    },
  };
}

async function listen(
  url: string,
  { signal, onEpisode, onListening }: { signal: AbortSignal; onEpisode: (id: string) => void; onListening: () => void },
): Promise<void> {
  while (!signal.aborted) {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      application_name: 'observatory-listener',
    });
    const broken = new Promise<void>((resolve) => {
      client.on('error', () => resolve());
      client.on('end', () => resolve());
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    client.on('notification', ({ payload = '' }) => onEpisode(payload));
    try {
      await client.connect();
      await client.query(`listen ${EPISODE_CHANNEL}`);
      onListening();
      await broken;
    } catch {
      // Away: streams look for themselves meanwhile.
    }
    await client.end().catch(() => {});
    await delay(RECONNECT_MS, undefined, { signal }).catch(() => {});
  }
}
