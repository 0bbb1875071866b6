import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { Words } from '../../schemas/words.ts';
import { WORDS_CHANNEL } from '../listen.ts';

/** Postgres carries less than 8,000 bytes a notification. A character takes six of them at most. */
export const WORDS_CHARS_MAX = 1_200;

/** Tells whoever listens to the episode; nothing is stored. Each may have WORDS_CHARS_MAX characters. */
export async function tellWords(db: Kysely<Database>, episodeId: string, said: readonly Words[]): Promise<void> {
  const payloads = said.map((words) => `${episodeId} ${JSON.stringify(words)}`);
  await sql`select pg_notify(${WORDS_CHANNEL}, payload) from unnest(${payloads}::text[]) as payload`.execute(db);
}
