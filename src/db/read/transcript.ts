import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { Step } from '../../schemas/step.ts';
import type { LinePart } from '../record-database.ts';
import { inLine, readLine } from './line.ts';
import { toStepRow } from './steps.ts';

/** The most steps that one conversation is rebuilt from: as many as the largest budget allows. */
const TRANSCRIPT_STEPS_MAX = 10_000;

/** Whose conversation, before which step; `turn_ending` names the tools whose calls every role is shown. */
export type TranscriptPlace = { episode_id: string; agent: string; before: number; turn_ending: readonly string[] };

/**
 * The ended steps from which a role's conversation is rebuilt, in order, all before step `before`: its own, and those with
 * which other roles handed on or judged (their output says how the turn ended).
 */
export async function listTranscript(
  db: Kysely<Database>,
  { episode_id, agent, before, turn_ending }: TranscriptPlace,
): Promise<Step[]> {
  const rows = await stepsIn(db, await readLine(db, episode_id))
    .where('seq', '<', before)
    .where('status', '<>', 'running')
    .where((e) =>
      e.or([e('agent', '=', agent), e('kind', '=', 'review'), e('kind', '=', 'human'), e('name', 'in', turn_ending)]),
    )
    .orderBy('seq')
    .limit(TRANSCRIPT_STEPS_MAX)
    .execute();
  return rows.map(toStepRow);
}

/** The newest thoughts of a line up to a place that were thought to their end, in order. */
export async function listThoughts(
  db: Kysely<Database>,
  { episode_id, seq, limit = TRANSCRIPT_STEPS_MAX }: { episode_id: string; seq: number; limit?: number },
): Promise<Step[]> {
  const rows = await stepsIn(db, await readLine(db, episode_id))
    .where('seq', '<=', seq)
    .where('kind', '=', 'thought')
    .where('status', '=', 'ok')
    .orderBy('seq', 'desc')
    .limit(limit)
    .execute();
  return rows.toReversed().map(toStepRow);
}

/** What people said in a line before step `before`, in order. */
export async function listMessages(
  db: Kysely<Database>,
  { episode_id, before }: { episode_id: string; before: number },
): Promise<Step[]> {
  const rows = await stepsIn(db, await readLine(db, episode_id))
    .where('seq', '<', before)
    .where('kind', '=', 'human')
    .where('name', '=', 'message')
    .where('status', '=', 'ok')
    .orderBy('seq')
    .limit(TRANSCRIPT_STEPS_MAX)
    .execute();
  return rows.map(toStepRow);
}

/** The ended steps of a superstep of a graph of one's own, all before step `before`, in order: its answers. */
export async function listSuperstep(
  db: Kysely<Database>,
  { episode_id, superstep, before }: { episode_id: string; superstep: number; before: number },
): Promise<Step[]> {
  const rows = await stepsIn(db, await readLine(db, episode_id))
    .where('seq', '<', before)
    .where('step_key', 'like', `${superstep}/%`)
    .where('status', 'in', ['ok', 'error'])
    .orderBy('seq')
    .limit(TRANSCRIPT_STEPS_MAX)
    .execute();
  return rows.map(toStepRow);
}

/** How the calls of one thought ended, in the order in which they were asked for. */
export async function listCallsOf(db: Kysely<Database>, episodeId: string, parentSeq: number): Promise<Step[]> {
  const rows = await stepsIn(db, await readLine(db, episodeId))
    .where('parent_seq', '=', parentSeq)
    .orderBy('seq')
    .execute();
  return rows.map(toStepRow);
}

/** The hash of the workspace's manifest as it was before step `before`; undefined when nothing has changed it yet. */
export async function findWorkspaceBefore(
  db: Kysely<Database>,
  episodeId: string,
  before: number,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('steps')
    .select('workspace_sha256')
    .where(inLine(await readLine(db, episodeId)))
    .where('seq', '<', before)
    .where('workspace_sha256', 'is not', null)
    .orderBy('seq', 'desc')
    .executeTakeFirst();
  return row?.workspace_sha256 ?? undefined;
}

/** The steps of a line, whole. */
const stepsIn = (db: Kysely<Database>, line: LinePart[]) => db.selectFrom('steps').selectAll().where(inLine(line));
