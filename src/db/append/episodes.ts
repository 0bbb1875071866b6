import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { Episode, StartEpisode } from '../../schemas/episode.ts';
import { traceIdOf, workflowIdOf } from '../../schemas/identity.ts';
import { toEpisode } from '../read/episodes.ts';

/**
 * Accepts an episode: inserts it as `queued`. The same idempotency key with the same request answers the episode that it
 * made (`replayed`); with another request it throws `already_exists`.
 */
export async function insertEpisode(
  db: Kysely<Database>,
  accepted: { request: StartEpisode; namespace: string; idempotency_key: string | null; code_version: string | null },
): Promise<{ episode: Episode; replayed: boolean }> {
  const { request, namespace, idempotency_key, code_version } = accepted;
  const { inputs, budgets, approvals, metadata, ...plain } = request;
  const id = uuidv7();
  const request_sha256 = createHash('sha256').update(JSON.stringify(request)).digest('hex');
  const insert = async (tx: Kysely<Database>) => {
    await holdInputs(tx, [...new Set(inputs.map(({ sha256 }) => sha256))]);
    return tx
      .insertInto('episodes')
      .values({
        ...plain,
        id,
        inputs: JSON.stringify(inputs),
        budgets: JSON.stringify(budgets),
        approvals: JSON.stringify(approvals),
        metadata: JSON.stringify(metadata),
        workflow_id: workflowIdOf(id),
        trace_id: traceIdOf(namespace, id),
        code_version,
        idempotency_key,
        request_sha256,
      })
      .onConflict((conflict) => conflict.column('idempotency_key').doNothing())
      .returningAll()
      .executeTakeFirst();
  };
  const inserted = await db.transaction().execute(insert);
  if (inserted) return { episode: toEpisode(inserted), replayed: false };
  const earlier = await db
    .selectFrom('episodes')
    .selectAll()
    .where('idempotency_key', '=', idempotency_key)
    .executeTakeFirstOrThrow();
  if (earlier.request_sha256 !== request_sha256)
    throw new AppError('already_exists', 'this Idempotency-Key was used for another request: choose a new one');
  return { episode: toEpisode(earlier), replayed: true };
}

/** Keeps the artifacts from being given up before the episode refers to them. Throws failed_precondition where one is gone. */
async function holdInputs(tx: Kysely<Database>, sha256s: string[]): Promise<void> {
  const { rows } = await sql`select from artifacts where sha256 = any(${sha256s}) and deleted_at is null
    for key share`.execute(tx);
  if (rows.length < sha256s.length)
    throw new AppError('failed_precondition', 'Some inputs were deleted meanwhile: store them again.');
}
