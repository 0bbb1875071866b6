import { sql } from 'kysely';
import type { ExpressionBuilder, Kysely } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { Episode, Failure } from '../../schemas/episode.ts';
import type { Step } from '../../schemas/step.ts';
import type { RecordedWord } from '../../schemas/turn.ts';
import { messageKey } from '../../identity.ts';
import { inLine, readLine, readRecordedLine } from './line.ts';
import { SPENT_MS } from './spent.ts';
import { toStepRow } from './steps.ts';

/** As many steps as the largest budget allows, twice: a fork's line has its parent's too. */
const LINE_STEPS_MAX = 20_000;

/** A place of an episode's line: after this step, 0 being before the first. */
export type LinePlace = { episode_id: string; seq: number };

/** What decides whether a place can be chosen. */
type Ended = Pick<Step, 'seq' | 'kind' | 'name' | 'status'> & { error: Failure | null };

/** Throws failed_precondition, naming the nearest places that can be chosen, unless one can go on from this place. */
export async function checkPlace(db: Kysely<Database>, { episode_id, seq }: LinePlace): Promise<void> {
  const refusal = refusalOf(await listEnds(db, episode_id), seq);
  if (refusal !== undefined) throw new AppError('failed_precondition', refusal);
}

/** The last place of an episode's line that one can go on from. */
export async function findLastPlace(db: Kysely<Database>, episodeId: string): Promise<number> {
  return placesOf(await listEnds(db, episodeId)).at(-1) ?? 0;
}

async function listEnds(db: Kysely<Database>, episodeId: string): Promise<Ended[]> {
  return db
    .selectFrom('steps')
    .select(['seq', 'kind', 'name', 'status', 'error'])
    .where(inLine(await readLine(db, episodeId)))
    .orderBy('seq')
    .limit(LINE_STEPS_MAX)
    .execute();
}

/**
 * Why one cannot go on after step `seq` of these, which are a line in order; undefined where one can. A place is after any
 * step that has ended, as all before it have: a thought that was thought, any call, a person's word. 0 is before the first.
 */
export function refusalOf(steps: readonly Ended[], seq: number): string | undefined {
  const places = placesOf(steps);
  if (places.includes(seq)) return undefined;
  const open = steps.find(({ status }) => status === 'running');
  const step = steps.find((one) => one.seq === seq);
  const why =
    step === undefined
      ? 'there is no such step'
      : (reasonAgainst(step) ?? (open === step ? 'it has not ended' : `step ${open?.seq} before it has not ended`));
  const nearest = [places.findLast((place) => place < seq), places.find((place) => place > seq)];
  const named = nearest.flatMap((place) => place ?? []).map((place) => (place === 0 ? '0 (the beginning)' : place));
  return `The place after step ${seq} cannot be chosen: ${why}. The nearest that can: ${named.join(' and ')}.`;
}

function placesOf(steps: readonly Ended[]): number[] {
  const open = steps.find(({ status }) => status === 'running')?.seq ?? Infinity;
  return [0, ...steps.filter((step) => step.seq < open && reasonAgainst(step) === undefined).map(({ seq }) => seq)];
}

function reasonAgainst({ kind, name, status, error }: Ended): string | undefined {
  if (kind === 'thought' && status !== 'ok') return `the thought ended as ${status}, without an answer to go on from`;
  const declined = error?.code === 'permission_denied';
  if (kind === 'human' && name === 'approval' && status !== 'ok' && !declined) return 'nobody decided on the approval';
  return undefined;
}

/** The steps of a line that decide how it goes on after step `seq`: its last thought, and what followed it until then. */
export async function listSinceLastThought(db: Kysely<Database>, { episode_id, seq }: LinePlace): Promise<Step[]> {
  const line = inLine(await readLine(db, episode_id));
  const rows = await db
    .selectFrom('steps')
    .selectAll()
    .where(line)
    .where('seq', '<=', seq)
    .where('seq', '>=', (e) =>
      e
        .selectFrom('steps')
        .select((max) => max.fn.coalesce(max.fn.max('seq'), max.lit(0)).as('seq'))
        .where(line)
        .where('kind', '=', 'thought')
        .where('seq', '<=', seq),
    )
    .orderBy('seq')
    .limit(LINE_STEPS_MAX)
    .execute();
  return rows.map(toStepRow);
}

/** The last step of a line up to a place that says on which checkpoint of the graph it was asked. */
export async function findLastCheckpointed(
  db: Kysely<Database>,
  { episode_id, seq }: LinePlace,
): Promise<{ episode_id: string; checkpoint_id: string; step_key: string } | undefined> {
  const row = await db
    .selectFrom('steps')
    .select(['episode_id', 'checkpoint_id', 'step_key'])
    .where(inLine(await readLine(db, episode_id)))
    .where('seq', '<=', seq)
    .where('checkpoint_id', 'is not', null)
    .orderBy('seq', 'desc')
    .executeTakeFirst();
  return row?.checkpoint_id ? { ...row, checkpoint_id: row.checkpoint_id } : undefined;
}

/** Tokens, US dollars as far as they are known, and wall time that the episode's own steps of its line used up to a place. */
export async function sumUsage(
  db: Kysely<Database>,
  { episode_id, seq }: LinePlace,
): Promise<{ tokens: number; usd: number; usd_unknown: boolean; spent_ms: number }> {
  const own = (e: ExpressionBuilder<Database, 'steps'>) =>
    e.and([e('steps.episode_id', '=', episode_id), e('steps.superseded_by', 'is', null), e('steps.seq', '<=', seq)]);
  const sums = await db
    .selectFrom('steps')
    .select((e) => [
      sql<number>`coalesce(sum(input_tokens + output_tokens), 0)::float8`.as('tokens'),
      e.fn.coalesce(e.fn.sum<number>(sql`usd::float8`), e.lit(0)).as('usd'),
      sql<boolean>`coalesce(bool_or(usd is null), false)`.as('usd_unknown'),
    ])
    .where(own)
    .executeTakeFirstOrThrow();
  const { spent_ms } = await db
    .selectFrom('steps')
    .innerJoin('step_attempts', 'step_attempts.step_id', 'steps.id')
    .select(SPENT_MS.as('spent_ms'))
    .where(own)
    .executeTakeFirstOrThrow();
  return { ...sums, spent_ms: Math.round(spent_ms) };
}

/** Whether the message with this id is a step of the line up to a place. */
export async function wasDelivered(db: Kysely<Database>, place: LinePlace, messageId: string): Promise<boolean> {
  const row = await db
    .selectFrom('steps')
    .select('id')
    .where(inLine(await readLine(db, place.episode_id)))
    .where('step_key', '=', messageKey(messageId))
    .where('seq', '<=', place.seq)
    .executeTakeFirst();
  return row !== undefined;
}

/** What people said between the thoughts of a re-run's record, after step `after`, as far as it is to be said again. */
export async function listRecordedWords(
  db: Kysely<Database>,
  { id, recorded_until }: Pick<Episode, 'id' | 'recorded_until'>,
  after: number,
): Promise<RecordedWord[]> {
  if (recorded_until === null) return [];
  const rows = await db
    .selectFrom('steps')
    .select(['seq', 'name'])
    .where(inLine(await readRecordedLine(db, id)))
    .where('kind', '=', 'human')
    .where('name', 'in', ['message', 'pause'])
    .where('status', '<>', 'running')
    .where('seq', '>', after)
    .where('seq', '<=', recorded_until)
    .orderBy('seq')
    .limit(LINE_STEPS_MAX)
    .execute();
  return rows.map(({ seq, name }) => ({ episode_id: id, seq, name: name === 'pause' ? 'pause' : 'message' }));
}
