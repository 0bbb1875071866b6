import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { Lineage, LineageNode, LineageStep } from '../../schemas/lineage.ts';

/** Artifacts in one answer. */
const NODES_MAX = 100;
/** Writers, readers and episodes of one artifact: an empty file has thousands. The earliest are shown. */
const LINKS_MAX = 20;
/** Files of one step. */
const FILES_MAX = 100;

/**
 * What the artifact came from, `depth` steps up, and what came of it, as many down, by hash alone: from the links that steps
 * have to their files. What a command read of its workspace is known by the workspace's manifest as a whole.
 */
export async function readLineage(
  db: Kysely<Database>,
  { sha256, depth }: { sha256: string; depth: number },
): Promise<Lineage> {
  const [self] = await readNodes(db, [sha256], 0);
  if (!self) return { sha256, nodes: [], truncated: false };
  const nodes = new Map([[sha256, self]]);
  let truncated = isCut(self);
  for (const direction of [-1, 1] as const) {
    let level = [self];
    for (let distance = 1; distance <= depth && level.length > 0; distance++) {
      const next = level
        .flatMap((node) => (direction < 0 ? node.written_by : node.read_by))
        .flatMap((step) => (direction < 0 ? step.inputs : step.outputs))
        .map((file) => file.sha256);
      const fresh = [...new Set(next)].filter((each) => !nodes.has(each));
      const wanted = fresh.slice(0, NODES_MAX - nodes.size);
      level = await readNodes(db, wanted, direction * distance);
      for (const node of level) nodes.set(node.sha256, node);
      truncated ||= wanted.length < fresh.length || level.some(isCut);
    }
  }
  const nearest = [...nodes.values()].toSorted((one, other) => Math.abs(one.distance) - Math.abs(other.distance));
  return { sha256, nodes: nearest, truncated };
}

const isCut = ({ written_by, read_by, given_to }: LineageNode): boolean =>
  [written_by, read_by, given_to].some((links) => links.length >= LINKS_MAX) ||
  [...written_by, ...read_by].some(({ inputs, outputs }) => Math.max(inputs.length, outputs.length) >= FILES_MAX);

async function readNodes(db: Kysely<Database>, sha256s: string[], distance: number): Promise<LineageNode[]> {
  if (sha256s.length === 0) return [];
  const [written, read, given] = await Promise.all([
    listLinks(db, sha256s, 'output'),
    listLinks(db, sha256s, 'input'),
    listGiven(db, sha256s),
  ]);
  const own = <T extends { of: string }>(rows: T[], sha256: string) =>
    rows.filter(({ of }) => of === sha256).map(({ of: _, ...row }) => row);
  return sha256s.map((sha256) => ({
    sha256,
    distance,
    written_by: own(written, sha256),
    read_by: own(read, sha256),
    given_to: own(given, sha256),
  }));
}

/** The steps that link to the artifacts in this role, for each the earliest. */
async function listLinks(
  db: Kysely<Database>,
  sha256s: string[],
  role: 'input' | 'output',
): Promise<(LineageStep & { of: string })[]> {
  const files = (which: 'input' | 'output') => sql`coalesce((
    select json_agg(json_build_object('path', path, 'sha256', sha256, 'kind', kind) order by path)
    from (select * from step_artifacts where step_id = step.id and role = ${which} order by path limit ${FILES_MAX}) file), '[]')`;
  const { rows } = await sql<LineageStep & { of: string }>`
    select wanted.sha256 as of, step.episode_id, step.run_id, step.seq, link.attempt, step.kind, step.agent, step.name,
      attempt.worker, attempt.build, step.started_at, step.superseded_by is not null as superseded, link.path,
      workspace.sha256 as workspace_sha256, ${files('input')} as inputs, ${files('output')} as outputs
    from unnest(${sha256s}::text[]) as wanted (sha256)
    cross join lateral (
      select * from step_artifacts where sha256 = wanted.sha256 and role = ${role} order by step_id, path limit ${LINKS_MAX}) link
    join steps step on step.id = link.step_id
    left join step_attempts attempt on attempt.step_id = step.id and attempt.attempt = link.attempt
    left join lateral (
      select before.workspace_sha256 as sha256 from steps before
      where before.episode_id = step.episode_id and before.superseded_by is null and before.seq < step.seq
        and before.workspace_sha256 is not null
      order by before.seq desc limit 1) workspace on true
    order by link.step_id, link.path`.execute(db);
  return rows;
}

async function listGiven(
  db: Kysely<Database>,
  sha256s: string[],
): Promise<(LineageNode['given_to'][number] & { of: string })[]> {
  const { rows } = await sql<LineageNode['given_to'][number] & { of: string }>`
    select wanted.sha256 as of, episode.id as episode_id, input->>'path' as path
    from unnest(${sha256s}::text[]) as wanted (sha256)
    cross join lateral (
      select id, inputs from episodes
      where inputs @> jsonb_build_array(jsonb_build_object('sha256', wanted.sha256)) order by id limit ${LINKS_MAX}) episode
    cross join lateral jsonb_array_elements(episode.inputs) as input
    where input->>'sha256' = wanted.sha256
    order by episode.id, path`.execute(db);
  return rows;
}
