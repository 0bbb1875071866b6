import type { Kysely } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Artifact, ArtifactKind, ArtifactLink } from '../../schemas/artifact.ts';
import type { Database } from '../../schemas/database.ts';
import { inLine, readLine } from './line.ts';
import type { LinePart } from '../record-database.ts';
import { LINK_COLUMNS } from './steps.ts';

/** A link with the number and id of the step that it belongs to. */
export type EpisodeArtifact = ArtifactLink & { seq: number; step_id: string };

const linksOf = (db: Kysely<Database>, line: LinePart[]) =>
  db
    .selectFrom('step_artifacts as link')
    .innerJoin('steps as step', 'step.id', 'link.step_id')
    .innerJoin('artifacts as artifact', 'artifact.sha256', 'link.sha256')
    .select(['step.seq', 'link.step_id', ...LINK_COLUMNS])
    .where(inLine(line, 'step'));

/** The artifact's row, also when nothing links to it; throws not_found, also for one that was deleted. */
export async function getArtifact(db: Kysely<Database>, sha256: string): Promise<Artifact> {
  const row = await db
    .selectFrom('artifacts')
    .selectAll()
    .where('sha256', '=', sha256)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  if (!row) throw new AppError('not_found', `no artifact ${sha256}`);
  const { deleted_at: _, ...artifact } = row;
  return artifact;
}

/** The files of an episode by step, role and path, at most `limit` of those after the given place. */
export async function listEpisodeArtifacts(
  db: Kysely<Database>,
  filter: {
    episode_id: string;
    limit: number;
    after?: { seq: number; role: string; path: string };
    kind?: ArtifactKind;
    role?: 'input' | 'output';
  },
): Promise<EpisodeArtifact[]> {
  let query = linksOf(db, await readLine(db, filter.episode_id))
    .orderBy('step.seq')
    .orderBy('link.role')
    .orderBy('link.path')
    .limit(filter.limit);
  if (filter.kind) query = query.where('link.kind', '=', filter.kind);
  if (filter.role) query = query.where('link.role', '=', filter.role);
  const { after } = filter;
  if (after)
    query = query.where((e) =>
      e(
        e.refTuple('step.seq', 'link.role', 'link.path'),
        '>',
        e.tuple(after.seq, after.role as 'input' | 'output', after.path),
      ),
    );
  return query.execute();
}

/** The newest file at each path below `prefix` that steps before `before` have made. */
export async function listFilesMade(
  db: Kysely<Database>,
  { episode_id, prefix, before }: { episode_id: string; prefix: string; before: number },
): Promise<EpisodeArtifact[]> {
  return linksOf(db, await readLine(db, episode_id))
    .where('link.role', '=', 'output')
    .where((e) => e.fn<boolean>('starts_with', ['link.path', e.val(prefix)]))
    .where('step.seq', '<', before)
    .distinctOn('link.path')
    .orderBy('link.path')
    .orderBy('step.seq', 'desc')
    .execute();
}

/** Those of the hashes that name no artifact, or one that was deleted. */
export async function listMissingArtifacts(db: Kysely<Database>, sha256s: string[]): Promise<string[]> {
  if (sha256s.length === 0) return [];
  const rows = await db
    .selectFrom('artifacts')
    .select('sha256')
    .where('sha256', 'in', sha256s)
    .where('deleted_at', 'is', null)
    .execute();
  const stored = new Set(rows.map(({ sha256 }) => sha256));
  return sha256s.filter((sha256) => !stored.has(sha256));
}

/**
 * The path and media type under which a step knows the artifact: this step, or by this path, where they are given; else the
 * step that knew it first. Undefined when none does.
 */
export async function findArtifactFile(
  db: Kysely<Database>,
  { sha256, step, path }: { sha256: string; step?: string | undefined; path?: string | undefined },
): Promise<{ path: string; content_type: string } | undefined> {
  let query = db.selectFrom('step_artifacts').select(['path', 'content_type']).where('sha256', '=', sha256);
  if (step !== undefined) query = query.where('step_id', '=', step);
  if (path !== undefined) query = query.where('path', '=', path);
  return query.orderBy('step_id').orderBy('role').orderBy('path').limit(1).executeTakeFirst();
}
