import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { Episode, GenerationKind, StartEpisode } from '../../schemas/episode.ts';
import { traceIdOf, workflowIdOf, sha256Of } from '../../identity.ts';
import { toEpisode } from '../read/episodes.ts';

/** Where an episode comes from that is not an original. `message` is given to its agents as it begins. */
export type Ancestry = {
  generation_kind: Exclude<GenerationKind, 'original'>;
  parent_episode_id: string;
  forked_from_seq: number;
  recorded_until: number | null;
  message: { author: string; text: string } | null;
};

/** What accepts an episode. */
export type Acceptance = {
  request: StartEpisode;
  ancestry?: Ancestry;
  namespace: string;
  idempotency_key: string | null;
  code_version: string | null;
};

/** The episode that this idempotency key made, if any. Throws already_exists where it was another request's. */
export async function findAccepted(db: Kysely<Database>, accepted: Acceptance): Promise<Episode | undefined> {
  if (accepted.idempotency_key === null) return undefined;
  const earlier = await db
    .selectFrom('episodes')
    .selectAll()
    .where('idempotency_key', '=', accepted.idempotency_key)
    .executeTakeFirst();
  if (earlier && earlier.request_sha256 !== hashOf(accepted))
    throw new AppError('already_exists', 'this Idempotency-Key was used for another request: choose a new one');
  return earlier && toEpisode(earlier);
}

/**
 * Accepts an episode: inserts it as `queued`. The same idempotency key with the same request answers the episode that it
 * made (`replayed`); with another request it throws `already_exists`.
 */
export async function insertEpisode(
  db: Kysely<Database>,
  accepted: Acceptance,
): Promise<{ episode: Episode; replayed: boolean }> {
  const { request, ancestry, namespace, idempotency_key, code_version } = accepted;
  const { inputs, budgets, approvals, metadata, ...plain } = request;
  const id = uuidv7();
  const insert = async (tx: Kysely<Database>) => {
    await holdInputs(tx, [...new Set(inputs.map(({ sha256 }) => sha256))]);
    return tx
      .insertInto('episodes')
      .values({
        ...plain,
        ...(ancestry && columnsOf(ancestry, id)),
        id,
        inputs: JSON.stringify(inputs),
        budgets: JSON.stringify(budgets),
        approvals: JSON.stringify(approvals),
        metadata: JSON.stringify(metadata),
        workflow_id: workflowIdOf(id),
        trace_id: traceIdOf(namespace, id),
        code_version,
        idempotency_key,
        request_sha256: hashOf(accepted),
      })
      .onConflict((conflict) => conflict.column('idempotency_key').doNothing())
      .returningAll()
      .executeTakeFirst();
  };
  const inserted = await db.transaction().execute(insert);
  if (inserted) return { episode: toEpisode(inserted), replayed: false };
  const earlier = await findAccepted(db, accepted);
  if (!earlier) throw new AppError('internal', 'an episode was neither inserted nor there already');
  return { episode: earlier, replayed: true };
}

/** Rows hold this hash of what was asked under a key: its form, with the name that ancestry had first, stays. */
const hashOf = ({ request, ancestry: lineage }: Acceptance) =>
  sha256Of(JSON.stringify(lineage ? { request, lineage } : request));

function columnsOf({ message, ...ancestry }: Ancestry, id: string) {
  return {
    ...ancestry,
    parent_runs: sql<number>`(select cardinality(runs) from episodes where id = ${ancestry.parent_episode_id})`,
    opening_message: message && JSON.stringify({ id, ...message }),
  };
}

/** Keeps the artifacts from being given up before the episode refers to them. Throws failed_precondition where one is gone. */
async function holdInputs(tx: Kysely<Database>, sha256s: string[]): Promise<void> {
  const { rows } = await sql`select from artifacts where sha256 = any(${sha256s}) and deleted_at is null
    for key share`.execute(tx);
  if (rows.length < sha256s.length)
    throw new AppError('failed_precondition', 'Some inputs were deleted meanwhile: store them again.');
}
