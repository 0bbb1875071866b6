import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import { inLine } from './line.ts';
import type { LinePart } from '../record-database.ts';
import type { LogLevel, LogLine, LogStream } from '../../schemas/log.ts';

/** A log line with the number of its step, null for a line of the episode itself. */
export type EpisodeLogLine = LogLine & { seq: number | null };

/** Which lines: at most `limit` of those after `after` and up to `until` (places in the stream), holding `q` in any case. */
type LogFilter = {
  episode_id: string;
  after: number;
  limit: number;
  until?: number;
  seq?: number;
  stream?: LogStream;
  level?: LogLevel;
  q?: string;
  /** The episode is another's parent: only what belongs to the steps that the other's line holds. */
  of_parent?: LinePart;
};

/** An episode's log lines in the order in which they were stored. */
export async function listLogs(db: Kysely<Database>, filter: LogFilter): Promise<EpisodeLogLine[]> {
  let query = db
    .selectFrom('execution_logs as log')
    .leftJoin('steps as step', 'step.id', 'log.step_id')
    .select([
      'log.stream_seq',
      'log.step_id',
      'log.attempt',
      'log.line',
      'log.stream',
      'log.level',
      'log.at',
      'log.text',
    ])
    .select('step.seq')
    .where('log.episode_id', '=', filter.episode_id)
    .where('log.stream_seq', '>', filter.after)
    .orderBy('log.stream_seq')
    .limit(filter.limit);
  if (filter.seq !== undefined) query = query.where('step.seq', '=', filter.seq);
  if (filter.until !== undefined) query = query.where('log.stream_seq', '<=', filter.until);
  if (filter.level) query = query.where('log.level', '=', filter.level);
  if (filter.q) query = query.where('log.text', 'ilike', `%${filter.q.replaceAll(/[\\%_]/g, '\\$&')}%`);
  if (filter.of_parent) query = query.where(inLine([filter.of_parent], 'step'));
  if (filter.stream) query = query.where('log.stream', '=', filter.stream);
  return query.execute();
}
