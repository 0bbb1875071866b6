import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { Feedback } from '../../schemas/feedback.ts';

/** An episode's feedback, oldest first, at most `limit`. */
export async function listFeedback(
  db: Kysely<Database>,
  { episode_id, limit }: { episode_id: string; limit: number },
): Promise<Feedback[]> {
  return db
    .selectFrom('feedback')
    .selectAll()
    .where('episode_id', '=', episode_id)
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit)
    .execute();
}
