import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import { EPISODE_CHANNEL } from '../listen.ts';

/** Wakes whoever listens for this episode, when the transaction commits. */
export async function notifyEpisode(db: Kysely<Database>, episodeId: string): Promise<void> {
  await sql`select pg_notify(${EPISODE_CHANNEL}, ${episodeId})`.execute(db);
}
