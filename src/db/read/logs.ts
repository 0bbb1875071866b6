import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { LogLine, LogStream } from '../../schemas/log.ts';

/** A log line with the number of its step, null for a line of the episode itself. */
export type EpisodeLogLine = LogLine & { seq: number | null };

/** An episode's log lines in the order in which they were stored, at most `limit` of those after `after` (a `stream_seq`). */
export async function listLogs(
  db: Kysely<Database>,
  filter: { episode_id: string; after: number; limit: number; seq?: number; stream?: LogStream },
): Promise<EpisodeLogLine[]> {
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
  if (filter.stream) query = query.where('log.stream', '=', filter.stream);
  return query.execute();
}
