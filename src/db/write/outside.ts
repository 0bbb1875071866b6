import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { Stuck } from '../../schemas/episode.ts';
import type { EpisodeOutcome } from '../../schemas/turn.ts';
import { closeAsLost } from './line.ts';
import type { FreezeSpan } from './spans.ts';

/** How an episode ended that could not say so itself, and under which run of its workflow. */
type OutsideEnd = { outcome: EpisodeOutcome; run_id: string | null };

/**
 * Ends an open episode whose workflow is no more, with the steps that it left open. `ended` or `ended_before`: that is how it
 * ended; `left`: the record ended otherwise meanwhile, or waits to be carried on after a restore, and stays as it is.
 */
export async function endFromOutside(
  db: Kysely<Database>,
  id: string,
  { outcome, run_id, freezeSpan }: OutsideEnd & { freezeSpan: FreezeSpan },
): Promise<'ended' | 'ended_before' | 'left'> {
  return db.transaction().execute(async (tx) => {
    const locked = await tx
      .selectFrom('episodes')
      .selectAll()
      .select((e) => [
        e.selectFrom('deployment').select('restored_at').as('restored_at'),
        e
          .selectFrom('restored_episodes')
          .select('episode_id')
          .whereRef('episode_id', '=', 'episodes.id')
          .where('continued_at', 'is', null)
          .as('to_continue'),
      ])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (!locked || locked.to_continue !== null) return 'left';
    const { restored_at, to_continue: _, ...episode } = locked;
    if (episode.ended_at !== null) return episode.terminal_reason === outcome.terminal_reason ? 'ended_before' : 'left';
    let last = episode.last_stream_seq;
    const next = () => (last += 1);
    const open = await tx
      .selectFrom('steps')
      .select(['id', 'superseded_by'])
      .where('episode_id', '=', id)
      .where('status', '=', 'running')
      .orderBy('seq')
      .execute();
    const ids = open.map((step) => step.id);
    await closeAsLost(tx, ids, { freezeSpan, next, episode, restored_at });
    const { failure, ...plain } = outcome;
    await tx
      .updateTable('episodes')
      .set((e) => ({
        ...plain,
        failure: failure && JSON.stringify(failure),
        stuck: null,
        run_id: run_id ?? episode.run_id,
        started_at: sql`coalesce(started_at, clock_timestamp())`,
        ended_at: sql`clock_timestamp()`,
        step_count: e('step_count', '+', open.filter(({ superseded_by }) => superseded_by === null).length),
        last_stream_seq: next(),
      }))
      .where('id', '=', id)
      .execute();
    return 'ended';
  });
}

/** Notes what episodes are stuck on, and that the others are not; what has ended meanwhile stays as it is. */
export async function noteStuck(
  db: Kysely<Database>,
  seen: readonly { episode_id: string; stuck: Stuck | null }[],
): Promise<void> {
  for (const { episode_id, stuck } of seen)
    await db
      .updateTable('episodes')
      .set({ stuck: stuck && JSON.stringify(stuck) })
      .where('id', '=', episode_id)
      .where('ended_at', 'is', null)
      .execute();
}
