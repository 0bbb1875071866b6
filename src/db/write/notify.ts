import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';

/** The channel on which listeners are woken; the payload is the episode's id. It only wakes: the rows are the truth. */
const EPISODE_CHANNEL = 'observatory_episode';

/** Wakes whoever listens for this episode, when the transaction commits. */
export async function notifyEpisode(db: Kysely<Database>, episodeId: string): Promise<void> {
  await sql`select pg_notify(${EPISODE_CHANNEL}, ${episodeId})`.execute(db);
}
