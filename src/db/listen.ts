import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { Words } from '../schemas/words.ts';

/** The channel on which triggers wake listeners; the payload is the episode's id. It only wakes: the rows are the truth. */
const EPISODE_CHANNEL = 'observatory_episode';
/** The channel of what running thoughts say: the episode's id, a space, and `Words` as JSON. */
export const WORDS_CHANNEL = 'observatory_words';

/** Time between tries to reach a database that is away. */
const RECONNECT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 10_000;

/** Wakes whoever subscribed when something was committed for an episode; all of them when wakes may have been missed. */
export type EpisodeListener = AsyncDisposable & {
  /** Calls `wake`, and `hear` with what its thoughts say meanwhile, until the returned function is called. */
  subscribe(episodeId: string, wake: () => void, hear?: (words: Words) => void): () => void;
};

/**
 * Listens for all episodes on one connection of its own, which is opened again when it breaks. Readers must look from time
 * to time even unwoken: behind a pooler that shares connections by transaction nothing arrives here.
 */
export function listenToEpisodes(url: string): EpisodeListener {
  const wakes = new Map<string, Set<() => void>>();
  const ears = new Map<string, Set<(words: Words) => void>>();
  const stopped = new AbortController();
  const listening = listen(url, {
    signal: stopped.signal,
    onEpisode: (id) => wakes.get(id)?.forEach((wake) => wake()),
    onWords(payload) {
      const space = payload.indexOf(' ');
      const hearing = ears.get(payload.slice(0, space));
      const words = hearing && Words.safeParse(parsed(payload.slice(space + 1))).data;
      // What a newer worker says in another form is not heard.
      if (words) hearing.forEach((hear) => hear(words));
    },
    onListening: () => wakes.forEach((each) => each.forEach((wake) => wake())),
  });
  return {
    subscribe(episodeId, wake, hear) {
      const leave = [add(wakes, episodeId, wake), ...(hear ? [add(ears, episodeId, hear)] : [])];
      return () => leave.forEach((each) => each());
    },
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await listening;
    },
  };
}

type Listening = {
  signal: AbortSignal;
  onEpisode: (id: string) => void;
  onWords: (payload: string) => void;
  onListening: () => void;
};

/** Adds what an episode's subscriber wants called; the returned function takes it away. */
function add<T>(to: Map<string, Set<T>>, episodeId: string, call: T): () => void {
  const own = to.get(episodeId) ?? new Set();
  to.set(episodeId, own.add(call));
  return () => {
    own.delete(call);
    if (own.size === 0 && to.get(episodeId) === own) to.delete(episodeId);
  };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // Whoever may connect may notify.
  }
}

async function listen(url: string, { signal, onEpisode, onWords, onListening }: Listening): Promise<void> {
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
    client.on('notification', ({ channel, payload = '' }) =>
      (channel === WORDS_CHANNEL ? onWords : onEpisode)(payload),
    );
    try {
      await client.connect();
      await client.query(`listen ${EPISODE_CHANNEL}; listen ${WORDS_CHANNEL}`);
      onListening();
      await broken;
    } catch {
      // Away: streams look for themselves meanwhile.
    }
    await client.end().catch(() => {});
    await delay(RECONNECT_MS, undefined, { signal }).catch(() => {});
  }
}
