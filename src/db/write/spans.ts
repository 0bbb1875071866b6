import { sql } from 'kysely';
import type { Kysely, Selectable, Transaction } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import { rootRunOf, rootSpanIdOf } from '../../identity.ts';
import type { Step } from '../../schemas/step.ts';
import type { EndedStep, FrozenItem } from '../../schemas/trace.ts';
import { toEpisode } from '../read/episodes.ts';

/** The channel on which a trigger wakes delivery when the outbox has grown. */
export const OUTBOX_CHANNEL = 'observatory_outbox';

/** A step as Langfuse is sent it: its own span first, then one for each attempt that failed. The composition root supplies it. */
export type FreezeSpan = (ended: EndedStep) => FrozenItem[];

/**
 * Puts the spans of an ended step into the outbox; `attempt` is the one that ended it, 0 where none did. `doubtful` says
 * that this step may have been sent to Langfuse before: then that is read back before anything is sent.
 */
export async function insertSpans(
  tx: Transaction<Database>,
  freezeSpan: FreezeSpan,
  ended: Pick<EndedStep, 'step' | 'artifacts' | 'model_input'> & {
    episode: Selectable<Database['episodes']>;
    attempt: number;
    doubtful?: boolean;
  },
): Promise<void> {
  const { step, attempt, artifacts, model_input, doubtful = false } = ended;
  const { runs } = ended.episode;
  const episode = toEpisode(ended.episode);
  const parent_span_id =
    (await findParentSpan(tx, step)) ??
    rootSpanIdOf(episode.trace_id, rootRunOf(runs, await listTakeovers(tx, step.episode_id, runs), step.run_id));
  const failed = step.attempt_count > (attempt === 0 ? 0 : 1) ? await listOthers(tx, step.id, attempt) : [];
  const [own, ...others] = freezeSpan({ episode, step, parent_span_id, artifacts, failed, model_input });
  const { episode_id } = step;
  if (own) await insertItems(tx, { episode_id, step_id: step.id, doubtful }, [own]);
  await insertItems(tx, { episode_id, step_id: null, doubtful }, others);
}

/** The attempts that ended, but for this one. */
const listOthers = (tx: Transaction<Database>, stepId: string, attempt: number) =>
  tx
    .selectFrom('step_attempts')
    .selectAll()
    .where('step_id', '=', stepId)
    .where('attempt', '<>', attempt)
    .where('status', '<>', 'running')
    .orderBy('attempt')
    .execute();

/** Puts items into the outbox, those that are there already left as they are. Returns how many are new. */
export async function insertItems(
  db: Kysely<Database>,
  { doubtful = false, ...of }: { episode_id: string; step_id: string | null; doubtful?: boolean },
  items: FrozenItem[],
): Promise<number> {
  if (items.length === 0) return 0;
  const sent = doubtful ? { state: 'sending' as const, sent_at: sql<string>`clock_timestamp()` } : {};
  const inserted = await db
    .insertInto('trace_outbox')
    .values(items.map((item) => ({ ...item, ...of, ...sent })))
    .onConflict((conflict) => conflict.column('span_id').doNothing())
    .returning('span_id')
    .execute();
  return inserted.length;
}

/** Takes the root of an episode that has begun out of the outbox, unless Langfuse was seen to hold it. */
export async function dropBegun(db: Kysely<Database>, episodeId: string): Promise<void> {
  await db
    .deleteFrom('trace_outbox')
    .where('episode_id', '=', episodeId)
    .where('subject', '=', 'begun')
    .where('state', '<>', 'confirmed')
    .execute();
}

/** The runs that took steps over from others, or went on after the episode had ended: each begins a line of its own. */
export async function listTakeovers(
  db: Kysely<Database>,
  episodeId: string,
  runs: readonly string[],
): Promise<Set<string>> {
  if (runs.length < 2) return new Set();
  const { rows } = await sql<{ run: string }>`select superseded_by as run from steps
      where episode_id = ${episodeId} and superseded_by is not null
    union select unnest(reopened_by) from episodes where id = ${episodeId}`.execute(db);
  return new Set(rows.map(({ run }) => run));
}

/** The span of the thought that asked for this call; after a reset that thought may be another run's. */
async function findParentSpan(tx: Transaction<Database>, step: Step): Promise<string | undefined> {
  if (step.parent_seq === null) return undefined;
  const row = await tx
    .selectFrom('steps')
    .select('span_id')
    .where('episode_id', '=', step.episode_id)
    .where('seq', '=', step.parent_seq)
    .where((e) => e.or([e('run_id', '=', step.run_id), e('superseded_by', 'is', null)]))
    .orderBy((e) => e('run_id', '=', step.run_id), 'desc')
    .executeTakeFirst();
  return row?.span_id;
}
