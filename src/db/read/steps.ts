import type { ExpressionBuilder, Kysely, Selectable } from 'kysely';
import { jsonArrayFrom } from 'kysely/helpers/postgres';
import { AppError } from '../../errors.ts';
import type { ArtifactLink } from '../../schemas/artifact.ts';
import type { Database } from '../../schemas/database.ts';
import { Step } from '../../schemas/step.ts';
import type { StepAttempt, StepKind } from '../../schemas/step.ts';
import { getLine, inLine, readLine } from './line.ts';

/** A step with the files that it read and made, by role and path. */
export type StepWithFiles = Step & { artifacts: ArtifactLink[] };

/** A step with its files and its tries. */
export type StepDetail = StepWithFiles & { attempts: StepAttempt[] };

/** The row without what serves only the search. */
export function toStepRow({ search_text: _, ...step }: Selectable<Database['steps']>): Step {
  return step;
}

/** The steps of the episode's current line, a fork's beginning with its parent's. */
const currentLine = async (db: Kysely<Database>, episodeId: string) => {
  const line = await readLine(db, episodeId);
  return { query: db.selectFrom('steps').selectAll().where(inLine(line)) };
};

/** The step with this number in the episode's current line, or undefined. */
export async function findStep(db: Kysely<Database>, episodeId: string, seq: number): Promise<Step | undefined> {
  const { query } = await currentLine(db, episodeId);
  const row = await query.where('seq', '=', seq).executeTakeFirst();
  return row && toStepRow(row);
}

/** The step with this id, of whatever line. */
export async function findStepById(db: Kysely<Database>, id: string): Promise<Step | undefined> {
  const row = await db.selectFrom('steps').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toStepRow(row);
}

/** The step with this number in the episode's current line; throws not_found. */
export async function getStep(db: Kysely<Database>, episodeId: string, seq: number): Promise<Step> {
  const step = await findStep(db, episodeId, seq);
  if (!step) throw new AppError('not_found', `episode ${episodeId} has no step ${seq}`);
  return step;
}

/** The run that recorded an episode's own step, or its first one where the step is not its own; undefined where it has none. */
export async function findRunAt(db: Kysely<Database>, episodeId: string, seq: number): Promise<string | undefined> {
  const row = await db
    .selectFrom('steps')
    .select('run_id')
    .where('episode_id', '=', episodeId)
    .where('seq', '<=', seq)
    .where('superseded_by', 'is', null)
    .orderBy('seq', 'desc')
    .executeTakeFirst();
  if (row) return row.run_id;
  const episode = await db
    .selectFrom('episodes')
    .select(['runs', 'run_id'])
    .where('id', '=', episodeId)
    .executeTakeFirst();
  return episode?.runs[0] ?? episode?.run_id ?? undefined;
}

/** The step with its attempts, oldest first, and its artifacts by role and path; throws not_found. */
export async function getStepDetail(db: Kysely<Database>, episodeId: string, seq: number): Promise<StepDetail> {
  const line = await getLine(db, episodeId);
  const step = await selectStepsWithFiles(db).where(inLine(line)).where('seq', '=', seq).executeTakeFirst();
  if (!step) throw new AppError('not_found', `episode ${episodeId} has no step ${seq}`);
  const attempts = await db
    .selectFrom('step_attempts')
    .selectAll()
    .where('step_id', '=', step.id)
    .orderBy('attempt')
    .execute();
  return { ...step, attempts: attempts.map(({ step_id: _id, activity_attempt: _attempt, ...attempt }) => attempt) };
}

/** Whether a person's step of the current line, named by its key or its number, has ended. */
export async function hasPersonSpoken(
  db: Kysely<Database>,
  episodeId: string,
  which: { step_key: string } | { seq: number },
): Promise<boolean> {
  const { query } = await currentLine(db, episodeId);
  const row = await query
    .where((e) => ('seq' in which ? e('seq', '=', which.seq) : e('step_key', '=', which.step_key)))
    .where('kind', '=', 'human')
    .where('status', '<>', 'running')
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Steps in their order, at most `limit` of those after number `after`: the current line, which for a fork begins with its
 * parent's steps, unless `superseded` asks for all of the episode's own.
 */
export async function listSteps(
  db: Kysely<Database>,
  filter: { episode_id: string; after: number; limit: number; kind?: StepKind; superseded?: boolean },
): Promise<Step[]> {
  let query = filter.superseded
    ? db.selectFrom('steps').selectAll().where('episode_id', '=', filter.episode_id)
    : (await currentLine(db, filter.episode_id)).query;
  if (filter.kind) query = query.where('kind', '=', filter.kind);
  const rows = await query.where('seq', '>', filter.after).orderBy('seq').orderBy('id').limit(filter.limit).execute();
  return rows.map(toStepRow);
}

/** Steps of the episode's current line with their files, as `listSteps` pages them; throws not_found for an unknown episode. */
export async function listStepsWithFiles(
  db: Kysely<Database>,
  filter: { episode_id: string; after: number; limit: number; kind?: StepKind },
): Promise<StepWithFiles[]> {
  const line = await getLine(db, filter.episode_id);
  let query = selectStepsWithFiles(db).where(inLine(line));
  if (filter.kind) query = query.where('kind', '=', filter.kind);
  return query.where('seq', '>', filter.after).orderBy('seq').orderBy('id').limit(filter.limit).execute();
}

/** Rows of steps without what serves only the search, and with their files: one statement, whichever steps it asks for. */
export const selectStepsWithFiles = (db: Kysely<Database>) =>
  db.selectFrom('steps').select((e) => [...Step.keyof().options, filesOf(e).as('artifacts')]);

const filesOf = (e: ExpressionBuilder<Database, 'steps'>) =>
  jsonArrayFrom(
    e
      .selectFrom('step_artifacts as link')
      .innerJoin('artifacts as artifact', 'artifact.sha256', 'link.sha256')
      .select(LINK_COLUMNS)
      .whereRef('link.step_id', '=', 'steps.id')
      .orderBy('link.role')
      .orderBy('link.path'),
  );

/** What a link of a step to a file says, of `link` and `artifact`. */
export const LINK_COLUMNS = [
  'link.role',
  'link.path',
  'link.sha256',
  'artifact.size_bytes',
  'link.content_type',
  'link.kind',
  'link.clock',
] as const;

/** Links of several steps, each with its step's id, by role and path. */
export async function listArtifactsOfSteps(
  db: Kysely<Database>,
  stepIds: string[],
): Promise<(ArtifactLink & { step_id: string })[]> {
  if (stepIds.length === 0) return [];
  return db
    .selectFrom('step_artifacts as link')
    .innerJoin('artifacts as artifact', 'artifact.sha256', 'link.sha256')
    .select(['link.step_id', ...LINK_COLUMNS])
    .where('link.step_id', 'in', stepIds)
    .orderBy('link.role')
    .orderBy('link.path')
    .execute();
}
