import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { LogLine } from '../../schemas/log.ts';

/** A line to store; the place in the episode's stream is given out here. */
export type NewLogLine = Omit<LogLine, 'stream_seq' | 'step_id' | 'attempt'>;

/** Stores lines of one attempt in their order. Storing the same line again (a lost acknowledgement) changes nothing. */
export async function insertLogLines(
  db: Kysely<Database>,
  {
    episode_id,
    step_id,
    attempt,
    lines,
  }: { episode_id: string; step_id: string; attempt: number; lines: NewLogLine[] },
): Promise<void> {
  if (lines.length === 0) return;
  const column = <K extends keyof NewLogLine>(name: K) => lines.map((line) => line[name]);
  // The lock comes first in the statement's order of execution: numbers are given out under it, so no reader passes a gap.
  await sql`with episode as (select id, last_stream_seq from episodes where id = ${episode_id} for update),
      added as (
        insert into execution_logs (episode_id, stream_seq, step_id, attempt, line, stream, level, at, text)
        select episode.id, episode.last_stream_seq + new.ordinal, ${step_id}, ${attempt}, new.line, new.stream, new.level, new.at, new.text
        from episode, unnest(${column('line')}::int[], ${column('stream')}::text[], ${column('level')}::text[],
          ${column('at')}::timestamptz[], ${column('text')}::text[]) with ordinality as new (line, stream, level, at, text, ordinal)
        on conflict (step_id, attempt, line) do nothing returning 1)
      update episodes set last_stream_seq = last_stream_seq + ${lines.length}, log_line_count = log_line_count + (select count(*) from added)
      where id = ${episode_id}`.execute(db);
}
