import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import { RecordDatabase } from '../record-database.ts';
import type { LinePart } from '../record-database.ts';

/** Above every step's number. */
const SEQ_MAX = 2_147_483_647;
/** How many lines a process remembers. */
const LINES_MAX = 10_000;

/**
 * Where the steps of an episode's line are: its own, and for a fork those of its parent up to the step it was forked from,
 * which may be its parent's in turn. They stay what they were then, also when the parent is reset later. Newest first.
 */
export async function readLine(db: Kysely<Database>, episodeId: string): Promise<LinePart[]> {
  const known = db instanceof RecordDatabase ? db.lines : undefined; // none in a transaction
  const line = known?.get(episodeId) ?? (await climb(db, episodeId, sql`forked_from_seq`));
  if (line.length > 0) known?.set(episodeId, line); // an episode that is not there yet may come
  if (known && known.size > LINES_MAX) known.clear();
  return line;
}

/** The same, asked of the database each time: a line never changes, but its episode can be deleted. Then it throws not_found. */
export async function getLine(db: Kysely<Database>, episodeId: string): Promise<LinePart[]> {
  const line = await climb(db, episodeId, sql`forked_from_seq`);
  if (line.length === 0) throw new AppError('not_found', `no episode ${episodeId}`);
  return line;
}

/** Where the steps are that a re-run takes its answers from: its parent's line, up to the last that it may take. */
export const readRecordedLine = async (db: Kysely<Database>, episodeId: string): Promise<LinePart[]> =>
  (await climb(db, episodeId, sql`recorded_until`)).slice(1);

/** The episode, and its parents as far as each goes on from the next; of the first one `until` says how far that is. */
async function climb(db: Kysely<Database>, episodeId: string, until: RawBuilder<unknown>): Promise<LinePart[]> {
  const { rows } = await sql<LinePart>`with recursive line as (
      select id, parent_episode_id, ${until} as parents, parent_runs, ${SEQ_MAX}::int as until, null::text[] as runs
        from episodes where id = ${episodeId}
      union all
      select e.id, e.parent_episode_id, e.forked_from_seq, e.parent_runs, least(line.until, line.parents),
          e.runs[1:line.parent_runs]
        from line join episodes e on e.id = line.parent_episode_id where line.parents > 0)
    select id as episode_id, until, runs from line`.execute(db);
  return rows;
}

/** A place in the logs or the events along a line: in a parent's, counted from the oldest one, or (null) in the episode's own. */
export type LinePoint = { parent: number | null; stream_seq: number };

/** Where the logs and events of a line begin. */
export const LINE_BEGINNING: LinePoint = { parent: 0, stream_seq: 0 };

/**
 * Rows along an episode's line after a place, at most `limit`: those of its parents, the oldest first, as far as the line holds
 * their steps, then its own. `read` reads one part, in the order of its stream.
 */
export async function readAlongLine<Row extends { stream_seq: number }>(
  db: Kysely<Database>,
  { episode_id, after, limit }: { episode_id: string; after: LinePoint; limit: number },
  read: (part: { episode_id: string; of_parent?: LinePart; after: number; limit: number }) => Promise<Row[]>,
): Promise<(Row & { parent: number | null })[]> {
  const parents = (await readLine(db, episode_id)).filter(({ runs }) => runs !== null).toReversed();
  const rows: (Row & { parent: number | null })[] = [];
  for (let at = after.parent ?? parents.length; at <= parents.length && rows.length < limit; at++) {
    const of_parent = parents[at];
    const parent = of_parent ? at : null;
    const from = parent === after.parent ? after.stream_seq : 0;
    const part = { episode_id: of_parent?.episode_id ?? episode_id, after: from, limit: limit - rows.length };
    for (const row of await read({ ...part, ...(of_parent && { of_parent }) })) rows.push({ ...row, parent });
  }
  return rows;
}

/** Whether a row of `steps`, which the query calls `alias`, belongs to the line. */
export function inLine(line: readonly LinePart[], alias = 'steps'): RawBuilder<boolean> {
  const column = (name: string) => sql.ref(`${alias}.${name}`);
  const parts = line.map(({ episode_id, until, runs }) =>
    runs === null
      ? sql`(${column('episode_id')} = ${episode_id} and ${column('superseded_by')} is null)`
      : sql`(${column('episode_id')} = ${episode_id} and ${column('seq')} <= ${until} and ${column('run_id')} = any(${runs})
          and (${column('superseded_by')} is null or ${column('superseded_by')} <> all(${runs})))`,
  );
  return parts.length === 0 ? sql<boolean>`false` : sql<boolean>`(${sql.join(parts, sql` or `)})`;
}
