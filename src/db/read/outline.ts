import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import { OUTLINE_TEXT_CHARS_MAX, OutlineColumns } from '../../schemas/outline.ts';
import { toStreamId } from '../../schemas/stream.ts';
import { getLine, inLine } from './line.ts';
import { findStreamHead } from './stream.ts';

/** A part of an episode's outline, as `Outline` says it, without what a page adds. */
export type OutlinePart = { created_at: string; stream_id: string; steps: OutlineColumns };

/** Of a tool's arguments, the one that says what the call was about, the first of these that there is. */
const SUBJECTS = ['path', 'command', 'query', 'pattern', 'question', 'summary', 'reason', 'text'];

/**
 * The steps of the current line after number `after`, at most `limit`, as an outline; throws not_found. Columns are gathered
 * by Postgres: thousands of rows cost one value each here.
 */
export async function readOutline(
  db: Kysely<Database>,
  { episode_id, after, limit }: { episode_id: string; after: number; limit: number },
): Promise<OutlinePart> {
  // Before the steps: what ends after this is sent by the stream, maybe for the second time, but sent.
  const head = await findStreamHead(db, episode_id);
  if (!head) throw new AppError('not_found', `no episode ${episode_id}`);
  const line = await getLine(db, episode_id);
  const columns = OutlineColumns.keyof().options.map(
    (name) => sql`${sql.lit(name)}, coalesce(json_agg(${sql.ref(name)} order by seq), '[]')`,
  );
  const { rows } = await sql<{ created_at: string; steps: OutlineColumns }>`
    select e.created_at, outline.steps from episodes e cross join lateral (
      select json_build_object(${sql.join(columns)}) as steps from (
        select seq, parent_seq, kind, agent, name, status, attempt_count as attempts, usd,
          ${REFUSED} as refused, input_tokens + output_tokens as tokens,
          round(extract(epoch from started_at - e.created_at) * 1000)::bigint as at_ms,
          round(extract(epoch from ended_at - started_at) * 1000)::bigint as duration_ms,
          (select count(*) from step_artifacts link where link.step_id = steps.id and link.role = 'output') as files,
          left(regexp_replace(coalesce(${stepWords}, ''), '\\s+', ' ', 'g'), ${OUTLINE_TEXT_CHARS_MAX}) as text
        from steps where ${inLine(line)} and seq > ${after} order by seq limit ${limit}
      ) row
    ) outline where e.id = ${episode_id}`.execute(db);
  const [row] = rows;
  if (!row) throw new AppError('not_found', `no episode ${episode_id}`);
  const { last_stream_seq: stream_seq, restore_epoch: epoch } = head;
  return { ...row, stream_id: toStreamId({ epoch, stream_seq }) };
}

const REFUSED = sql`coalesce(
  output->'result'->>'success' = 'false'
    or (output->'result'->>'exit_code') <> '0'
    or output->'result'->>'timed_out' = 'true'
    or output->'turn_end'->>'decision' = 'REJECTED', false)`;

/** What a step said or was asked, in SQL. Cut before it is searched for blanks: the whole may be long. */
export const stepWords = sql<string | null>`left(case
  when error is not null then error->>'message'
  when kind = 'thought' then search_text
  when kind = 'simulation' then coalesce(output->'result'->>'detail', output->>'content')
  when kind = 'review' then coalesce(output->>'content', search_text)
  when kind = 'human' then coalesce(search_text, input->>'question', input->>'text', input->>'reason')
  else coalesce(${sql.join(SUBJECTS.map((name) => sql`input->>${sql.lit(name)}`))}, search_text)
end, 400)`;
