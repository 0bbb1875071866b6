import type { Kysely } from 'kysely';
import type { ArtifactLink } from '../../schemas/artifact.ts';
import type { Database } from '../../schemas/database.ts';
import type { Step } from '../../schemas/step.ts';
import { inLine, readRecordedLine } from './line.ts';
import { listArtifactsOfSteps, toStepRow } from './steps.ts';

/** A step with all that its answer consists of. */
export type RecordedStep = Step & {
  search_text: string | null;
  artifacts: ArtifactLink[];
  workspace: { sha256: string; size_bytes: number } | null;
};

/**
 * The step with this number in the record that a re-run takes its answers from; undefined where there is none, as for every
 * other episode. `missed`: the re-run has asked something else before, and takes no answer any more.
 */
export async function findRecordedStep(
  db: Kysely<Database>,
  episodeId: string,
  seq: number,
): Promise<{ recorded: RecordedStep | undefined; missed: boolean }> {
  const episode = await db
    .selectFrom('episodes')
    .select('recorded_miss')
    .where('id', '=', episodeId)
    .executeTakeFirst();
  const missed = (episode?.recorded_miss?.seq ?? Infinity) <= seq;
  const row = await db
    .selectFrom('steps')
    .selectAll()
    .where(inLine(await readRecordedLine(db, episodeId)))
    .where('seq', '=', seq)
    .executeTakeFirst();
  if (!row) return { recorded: undefined, missed };
  const links = await listArtifactsOfSteps(db, [row.id]);
  const workspace = await db
    .selectFrom('artifacts')
    .select(['sha256', 'size_bytes'])
    .where('sha256', '=', row.workspace_sha256)
    .executeTakeFirst();
  const artifacts = links.map(({ step_id: _, ...link }) => link);
  return {
    recorded: { ...toStepRow(row), search_text: row.search_text, artifacts, workspace: workspace ?? null },
    missed,
  };
}

/** The first step before step `before` of a re-run at which a person said what the record does not have there. */
export async function findUnrecordedWord(
  db: Kysely<Database>,
  episodeId: string,
  before: number,
): Promise<number | undefined> {
  const row = await db
    .selectFrom('steps')
    .select('seq')
    .where('episode_id', '=', episodeId)
    .where('superseded_by', 'is', null)
    .where('kind', '=', 'human')
    .where('status', '<>', 'running')
    .where('served_from', 'is', null)
    .where('seq', '<', before)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst();
  return row?.seq;
}
