import { bodyOf, createClient } from '../../client/client.ts';
import type { Client } from '../../client/client.ts';
import { followStream } from '../../client/stream.ts';
import { AppError } from '../../errors.ts';
import { hashOf } from './hash.ts';
import type { CoverageResource } from '../resources.ts';
import type { Actions } from './actions.ts';
import type { EpisodeFilter, Source } from './source.ts';

/** Episodes that one request lists: a few screens of a virtual table. */
const EPISODES_PAGE = 50;
const HITS_PAGE = 20;
const LOG_LINES_PAGE = 100;

/** The page's source over HTTP: the API that served the page, with the session of its cookie. */
export function createHttpSource(url: string): Source {
  const client = createClient({ url });
  const { v1 } = client;
  const episode = v1.episodes[':id'];
  const at = (id: string) => ({ param: { id } });
  return {
    kind: 'api',
    only: null,
    actions: createActions(client, url),
    caller: () => bodyOf(v1.sessions.$get()),
    episodes: (filter, cursor) =>
      bodyOf(
        v1.episodes.$get({ query: { ...asQuery(filter), ...(cursor && { cursor }), limit: String(EPISODES_PAGE) } }),
      ),
    statistics: (filter) => bodyOf(v1.statistics.$get({ query: asQuery(filter) })),
    search: (q) => bodyOf(v1.search.$get({ query: { q, limit: String(HITS_PAGE) } })),
    catalogue: () => bodyOf(v1.agents.$get()),
    episode: (id) => bodyOf(episode.$get(at(id))),
    compare: (a, b) => bodyOf(v1.comparisons.$get({ query: { a, b } })),
    episodeOfTrace: async (trace_id) => (await bodyOf(v1.episodes.$get({ query: { trace_id } }))).items[0]?.id ?? null,
    outline: (id, after, limit) =>
      bodyOf(episode.outline.$get({ ...at(id), query: { after: String(after), limit: String(limit) } })),
    steps: async (id, after, limit) =>
      (await bodyOf(episode.steps.$get({ ...at(id), query: { after: String(after), limit: String(limit) } }))).items,
    step: (id, seq) => bodyOf(episode.steps[':seq'].$get({ param: { id, seq: String(seq) } })),
    logs: (id, { seq, q, cursor }) =>
      bodyOf(
        episode.logs.$get({
          ...at(id),
          query: {
            limit: String(LOG_LINES_PAGE),
            ...(seq !== undefined && { seq: String(seq) }),
            ...(q && { q }),
            ...(cursor && { cursor }),
          },
        }),
      ),
    workspace: (id, step) => bodyOf(episode.workspace.$get({ ...at(id), query: { step: String(step) } })),
    conversation: (id, step) => bodyOf(episode.conversation.$get({ ...at(id), query: { step: String(step) } })),
    // Until it is audited there is no audit: that is no failure of whoever asks.
    coverage: (id) => bodyOf(episode.coverage.$get(at(id))).catch(nullFor('failed_precondition')),
    verdicts: async (ids) => verdictsOf(client, ids),
    feedback: async (id) => (await bodyOf(episode.feedback.$get(at(id)))).items,
    artifact: (sha256) => bodyOf(v1.artifacts[':sha256'].$get({ param: { sha256 } })),
    lineage: (sha256, depth) =>
      bodyOf(v1.artifacts[':sha256'].lineage.$get({ param: { sha256 }, query: { depth: String(depth) } })),
    contentUrl: async ({ sha256, href = `/v1/artifacts/${sha256}/content` }) => `${url}${href}`,
    follow: (id, after, signal) => followStream(client, id, { signal, after }),
  };
}

async function verdictsOf({ v1 }: Client, ids: string[]): Promise<Record<string, CoverageResource['verdict']>> {
  if (ids.length === 0) return {};
  const { items } = await bodyOf(v1.coverage.$get({ query: { ids: ids.join(','), limit: String(ids.length) } }));
  return Object.fromEntries(items.flatMap(({ episode_id, verdict }) => (verdict ? [[episode_id, verdict]] : [])));
}

/** What an address says of the filter, checked by the API alone: what it refuses it says so. */
const asQuery = (filter: EpisodeFilter) => filter as Partial<Record<'trace_id', string>>;

const nullFor = (code: AppError['code']) => (error: unknown) => {
  if (error instanceof AppError && error.code === code) return null;
  throw error;
};

function createActions({ v1 }: Client, url: string): Actions {
  const episode = v1.episodes[':id'];
  const at = (id: string) => ({ param: { id } });
  const once = (key: string) => ({ header: { 'idempotency-key': key } });
  return {
    start: (json, key) => bodyOf(v1.episodes.$post({ json, ...once(key) })),
    upload: async (file) => {
      const sha256 = await hashOf(file);
      const answer = fetch(`${url}/v1/artifacts/${sha256}`, {
        method: 'PUT',
        body: file,
        headers: { 'content-type': file.type || 'application/octet-stream' },
      });
      await bodyOf(answer as ReturnType<(typeof v1.artifacts)[':sha256']['$get']>);
      return sha256;
    },
    cancel: (id) => bodyOf(episode.cancel.$post(at(id))),
    pause: (id, reason) => bodyOf(episode.pause.$post({ ...at(id), json: { reason } })),
    resume: (id) => bodyOf(episode.resume.$post(at(id))),
    say: (id, text, key) => bodyOf(episode.messages.$post({ ...at(id), json: { text }, ...once(key) })),
    answer: (id, json, key) => bodyOf(episode.answers.$post({ ...at(id), json, ...once(key) })),
    fork: (id, json, key) => bodyOf(episode.fork.$post({ ...at(id), json, ...once(key) })),
    rerun: (id, key) => bodyOf(episode.rerun.$post({ ...at(id), json: {}, ...once(key) })),
    rewind: (id, step, key) => bodyOf(episode.rewind.$post({ ...at(id), json: { step }, ...once(key) })),
    reproduce: (id, step) =>
      bodyOf(
        episode.reproductions.$post({
          ...at(id),
          json: step === undefined ? {} : { step },
          ...once(crypto.randomUUID()),
        }),
      ),
    replay: (id) => bodyOf(episode.replays.$post(at(id))),
    audit: (id) => bodyOf(episode.coverage.$post({ ...at(id), json: {} })),
    signOut: async () => v1.sessions.$delete(),
  };
}
