import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { SearchHit, SearchKind } from '../../schemas/search.ts';

/** The order in which kinds are answered; within one the newest come first. */
export const SEARCH_KINDS = ['episode', 'step', 'log'] as const satisfies SearchKind[];

/** Where a page of a search ended: a row's id, which is its episode's for a log line, and that line's `stream_seq`. */
export type SearchPlace = { kind: SearchKind; id: string; stream_seq: number };

/** A place with the text found there. `id` is what pages go by. */
export type FoundPlace = SearchHit & { id: string };

/** Before every row of a kind: no UUID is greater. */
const NEWEST = { id: 'ffffffff-ffff-ffff-ffff-ffffffffffff', stream_seq: Number.MAX_SAFE_INTEGER };

/**
 * Where every word of `q` begins a word, at most `limit` places of those after `after`, or of one kind alone. A text
 * without letters and digits finds nothing.
 */
export async function search(
  db: Kysely<Database>,
  { q, kind, after, limit }: { q: string; kind?: SearchKind; after?: SearchPlace; limit: number },
): Promise<FoundPlace[]> {
  const found: FoundPlace[] = [];
  const first = after ? SEARCH_KINDS.indexOf(after.kind) : 0;
  for (const each of SEARCH_KINDS.slice(first)) {
    if (kind !== undefined && each !== kind) continue;
    const place = after?.kind === each ? after : NEWEST;
    const rest = limit - found.length;
    if (rest <= 0) break;
    const { rows } = await QUERIES[each]({ words: sql`search_query(${q})`, place, limit: rest }).execute(db);
    found.push(...rows.map((row): FoundPlace => ({ kind: each, ...row, text: excerptOf(row.text, q) })));
  }
  return found;
}

type Found = Omit<FoundPlace, 'kind'>;
type Part = { words: RawBuilder<unknown>; place: { id: string; stream_seq: number }; limit: number };

// The expressions are those of the indexes, or Postgres would not use them.
const QUERIES: Record<SearchKind, (part: Part) => RawBuilder<Found>> = {
  episode: ({ words, place, limit }) => sql`
    select id, id as episode_id, null::int as seq, null::bigint as stream_seq, created_at as at,
      concat_ws(' ', task, failure->>'message') as text
    from episodes where search_words(task, failure->>'message') @@ ${words} and id < ${place.id}
    order by id desc limit ${limit}`,
  step: ({ words, place, limit }) => sql`
    select id, episode_id, seq, null::bigint as stream_seq, started_at as at,
      concat_ws(' ', name, search_text, error->>'message') as text
    from steps where search_words(name, search_text, error->>'message') @@ ${words} and superseded_by is null and id < ${place.id}
    order by id desc limit ${limit}`,
  log: ({ words, place, limit }) => sql`
    select log.episode_id as id, log.episode_id, step.seq, log.stream_seq, log.at, log.text
    from execution_logs log left join steps step on step.id = log.step_id
    where log.level in ('warning', 'error') and search_words(log.text) @@ ${words}
      and (log.episode_id, log.stream_seq) < (${place.id}, ${place.stream_seq})
    order by log.episode_id desc, log.stream_seq desc limit ${limit}`,
};

/** UTF-16 units that are shown of a text, and those of them before the first word found. */
const EXCERPT_CHARS_MAX = 300;
const EXCERPT_CHARS_BEFORE = 80;

function excerptOf(text: string, q: string): string {
  const [word = ''] = q.toLowerCase().match(/[\p{L}\p{N}]+/u) ?? [];
  const start = Math.max(0, text.toLowerCase().indexOf(word) - EXCERPT_CHARS_BEFORE);
  const end = start + EXCERPT_CHARS_MAX;
  const cut = text.slice(start, end).toWellFormed();
  return `${start > 0 ? '…' : ''}${cut}${end < text.length ? '…' : ''}`;
}
