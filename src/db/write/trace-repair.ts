import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { Step } from '../../schemas/step.ts';
import type { ModelInput } from '../../schemas/trace.ts';
import { listArtifactsOfSteps } from '../read/steps.ts';
import { insertSpans } from './spans.ts';
import type { FreezeSpan } from './spans.ts';

/** Lets an episode's refused items be sent again. Returns how many there were. */
export async function unparkItems(db: Kysely<Database>, episodeId: string): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('trace_outbox')
    .set({ state: 'pending', next_attempt_at: null, unseen_since: null, error: null })
    .where('episode_id', '=', episodeId)
    .where('state', '=', 'parked')
    .executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}

/** Lets sent items that Langfuse was asked for, and does not have, be sent again. Returns how many there were. */
export async function requeueItems(db: Kysely<Database>, spanIds: string[]): Promise<number> {
  if (spanIds.length === 0) return 0;
  const { numUpdatedRows } = await db
    .updateTable('trace_outbox')
    .set({ state: 'pending', next_attempt_at: null, unseen_since: null, error: 'asked for, and not there' })
    .where('span_id', 'in', spanIds)
    .where('state', 'in', ['sending', 'accepted'])
    .executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}

/**
 * Freezes confirmed items anew whose bytes were let go, in one transaction: those of these steps and of their failed
 * attempts. A root's is only removed: closing the trace puts it there again.
 */
export async function rebuildSpans(
  db: Kysely<Database>,
  options: {
    span_ids: string[];
    steps: Step[];
    model_input: (step: Step) => ModelInput | null;
    freezeSpan: FreezeSpan;
  },
): Promise<void> {
  const { span_ids, steps, model_input, freezeSpan } = options;
  await db.transaction().execute(async (tx) => {
    await tx.deleteFrom('trace_outbox').where('span_id', 'in', span_ids).where('state', '=', 'confirmed').execute();
    const touched = steps.filter(({ span_id, attempt_count }) => span_ids.includes(span_id) || attempt_count > 1);
    for (const step of touched) {
      const { rows } = await sql<{ attempt: number }>`select attempt from step_attempts
        where step_id = ${step.id} and status = ${step.status} order by attempt desc limit 1`.execute(tx);
      const { episode_id } = step;
      const episode = await tx
        .selectFrom('episodes')
        .selectAll()
        .where('id', '=', episode_id)
        .executeTakeFirstOrThrow();
      const artifacts = await listArtifactsOfSteps(tx, [step.id]);
      const attempt = rows[0]?.attempt ?? 0;
      await insertSpans(tx, freezeSpan, { episode, step, attempt, artifacts, model_input: model_input(step) });
    }
  });
}
