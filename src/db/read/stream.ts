import { sql } from 'kysely';
import type { ExpressionBuilder, Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { EpisodeStatus } from '../../schemas/episode.ts';
import { StepStart } from '../../schemas/stream.ts';
import type { StatusChange } from '../../schemas/stream.ts';
import { listEvents } from './events.ts';
import type { EpisodeEvent } from './events.ts';
import { listLogs } from './logs.ts';
import type { EpisodeLogLine } from './logs.ts';
import { selectStepsWithFiles } from './steps.ts';
import type { StepWithFiles } from './steps.ts';

/** How far an episode's stream goes: everything up to `last_stream_seq` is committed. `restore_epoch` is the database's. */
export type StreamHead = { status: EpisodeStatus; last_stream_seq: number; restore_epoch: number };

/** The head of the episode's stream, or undefined for an unknown episode. */
export async function findStreamHead(db: Kysely<Database>, episodeId: string): Promise<StreamHead | undefined> {
  const { rows } = await sql<StreamHead>`select status, last_stream_seq, restore_epoch
    from episodes, deployment where id = ${episodeId}`.execute(db);
  return rows[0];
}

/** Something that happened in an episode, at its place in the episode's stream. Steps are as they are now. */
export type StreamEntry =
  | { type: 'step_started'; stream_seq: number; step: StepStart }
  | { type: 'step_ended'; stream_seq: number; step: StepWithFiles }
  | ({ type: 'log' } & EpisodeLogLine)
  | { type: 'event'; stream_seq: number; event: EpisodeEvent }
  | ({ type: 'status' } & StatusChange);

/** Part of a stream: at most `limit` entries after `after` and up to `until`, which must not lie beyond the stream's head. */
export type StreamPart = { episode_id: string; after: number; until: number; limit: number };

/** What happened in that part, in its order, also in steps that another run has taken over since. */
export async function listStream(db: Kysely<Database>, part: StreamPart): Promise<StreamEntry[]> {
  const [started, ended, lines, events, statuses] = await Promise.all([
    db
      .selectFrom('steps')
      .select([...StepStart.keyof().options, 'started_stream_seq'])
      .where(isIn(part, 'started_stream_seq'))
      .orderBy('started_stream_seq')
      .limit(part.limit)
      .execute(),
    selectStepsWithFiles(db)
      .where(isIn(part, 'ended_stream_seq'))
      .orderBy('ended_stream_seq')
      .limit(part.limit)
      .execute(),
    listLogs(db, part),
    listEvents(db, { ...part, superseded: true }),
    db
      .selectFrom('episode_statuses')
      .select(['stream_seq', 'status', 'terminal_reason', 'at'])
      .where('episode_id', '=', part.episode_id)
      .where('stream_seq', '>', part.after)
      .where('stream_seq', '<=', part.until)
      .orderBy('stream_seq')
      .limit(part.limit)
      .execute(),
  ]);
  // Of each kind the first ones were read, so the first ones of all are among them.
  return [
    ...started.map(({ started_stream_seq: stream_seq, ...step }): StreamEntry => ({
      type: 'step_started',
      stream_seq,
      step,
    })),
    ...ended.map((step): StreamEntry => ({ type: 'step_ended', stream_seq: step.ended_stream_seq ?? 0, step })),
    ...lines.map((line): StreamEntry => ({ type: 'log', ...line })),
    ...events.map((event): StreamEntry => ({ type: 'event', stream_seq: event.stream_seq, event })),
    ...statuses.map((change): StreamEntry => ({ type: 'status', ...change })),
  ]
    .toSorted((one, other) => one.stream_seq - other.stream_seq)
    .slice(0, part.limit);
}

const isIn =
  ({ episode_id, after, until }: StreamPart, place: 'started_stream_seq' | 'ended_stream_seq') =>
  (e: ExpressionBuilder<Database, 'steps'>) =>
    e.and([e('episode_id', '=', episode_id), e(place, '>', after), e(place, '<=', until)]);
