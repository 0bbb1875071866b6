import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import { inLine, readLine } from './line.ts';
import type { LinePlace } from './places.ts';

/** An artifact by the path under which it is known. */
export type NamedArtifact = { path: string; sha256: string };

/**
 * What going on from a place may read beside the workspace: all that steps of the line made outside it (films, large inputs
 * and outputs, archives), the newest of each path. Logs are for people.
 */
export async function listMadeOutside(db: Kysely<Database>, { episode_id, seq }: LinePlace): Promise<NamedArtifact[]> {
  const { rows } = await sql<NamedArtifact>`select distinct on (link.path) link.path, link.sha256
    from step_artifacts link join steps on steps.id = link.step_id
    where ${inLine(await readLine(db, episode_id))} and steps.seq <= ${seq} and link.kind <> 'LOG'
      and (starts_with(link.path, '/renders/') or starts_with(link.path, '.observatory/'))
    order by link.path, steps.seq desc`.execute(db);
  return rows;
}
