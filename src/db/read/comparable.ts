import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { AppError } from '../../errors.ts';
import type { ComparedStep } from '../../schemas/comparison.ts';
import type { Database } from '../../schemas/database.ts';
import { OUTLINE_TEXT_CHARS_MAX } from '../../schemas/outline.ts';
import { getLine, inLine } from './line.ts';
import { stepWords } from './outline.ts';

/** As many as the largest line of an agent has; two of them are gone through at once. */
const COMPARED_STEPS_MAX = 20_000;

/** A step of a line with what says whether it is the same as another: its key, and hashes of what is not read for that. */
export type ComparableStep = ComparedStep & {
  step_key: string;
  model: string | null;
  input_hash: string | null;
  output_hash: string | null;
  error_hash: string | null;
};

/** The steps of an episode's line to be compared. Throws not_found, and resource_exhausted where there are more than can be. */
export async function listComparable(db: Kysely<Database>, episodeId: string): Promise<ComparableStep[]> {
  const line = await getLine(db, episodeId);
  const { rows } = await sql<ComparableStep>`
    select seq, step_key, kind, agent, name, status, model, usd::float8 as usd,
      round(extract(epoch from ended_at - started_at) * 1000)::int as duration_ms,
      md5(input::text) as input_hash, md5(output::text) as output_hash, md5(error::text) as error_hash,
      left(regexp_replace(coalesce(${stepWords}, ''), '\\s+', ' ', 'g'), ${OUTLINE_TEXT_CHARS_MAX}) as text
    from steps where ${inLine(line)} order by seq limit ${COMPARED_STEPS_MAX + 1}`.execute(db);
  if (rows.length > COMPARED_STEPS_MAX)
    throw new AppError(
      'resource_exhausted',
      `Episode ${episodeId} has more than ${COMPARED_STEPS_MAX} steps, more than can be compared.`,
    );
  return rows;
}
