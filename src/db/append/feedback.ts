import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { Feedback, NewFeedback } from '../../schemas/feedback.ts';
import type { Score } from '../../schemas/trace.ts';
import { insertItems } from '../write/spans.ts';
import { sha256Of } from '../../identity.ts';

/** Who says it, where; `id` is given where saying it again must be the same, `environment` is Langfuse's. */
export type FeedbackSource = {
  id?: string;
  episode_id: string;
  author: string;
  source: Feedback['source'];
  environment: string;
};

/**
 * Adds feedback, and with it the score for Langfuse, in one transaction. The same `id` is added once. Throws
 * not_found for an unknown episode or step.
 */
export async function insertFeedback(
  db: Kysely<Database>,
  { seq, value, ...said }: NewFeedback,
  { environment, id = uuidv7(), ...by }: FeedbackSource,
): Promise<Feedback> {
  return db.transaction().execute(async (tx) => {
    const episode = await tx
      .selectFrom('episodes')
      .select('trace_id')
      .where('id', '=', by.episode_id)
      .executeTakeFirst();
    if (!episode) throw new AppError('not_found', `no episode ${by.episode_id}`);
    const step =
      seq === null
        ? undefined
        : await tx
            .selectFrom('steps')
            .select(['id', 'span_id'])
            .where('episode_id', '=', by.episode_id)
            .where('seq', '=', seq)
            .where('superseded_by', 'is', null)
            .executeTakeFirst();
    if (seq !== null && !step) throw new AppError('not_found', `episode ${by.episode_id} has no step ${seq}`);
    await tx
      .insertInto('feedback')
      .values({ ...said, ...by, id, step_id: step?.id ?? null, value: JSON.stringify(value) })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
    const row = await tx.selectFrom('feedback').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    const score: Score = {
      id,
      traceId: episode.trace_id,
      ...(step && { observationId: step.span_id }),
      name: row.name,
      value: typeof row.value === 'boolean' ? Number(row.value) : row.value,
      dataType: row.data_type,
      ...(row.comment !== null && { comment: row.comment }),
      environment,
      metadata: { author: row.author, source: row.source },
      timestamp: row.created_at,
    };
    const payload = JSON.stringify(score);
    const payload_sha256 = sha256Of(payload);
    const item = { span_id: id, trace_id: episode.trace_id, subject: 'score' as const, payload, payload_sha256 };
    await insertItems(tx, { episode_id: by.episode_id, step_id: null }, [item]);
    return row;
  });
}
