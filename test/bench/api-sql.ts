import type { Pool } from 'pg';

/** What a page of 100 steps needs of the database, and nothing else: the statements of the route, through pg alone. */
export async function readStepPage(pool: Pool, episodeId: string): Promise<object[]> {
  const episode = await pool.query<object>('select * from episodes where id = $1', [episodeId]);
  const steps = await pool.query<{ id: string }>(
    'select * from steps where episode_id = $1 and superseded_by is null and seq > $2 order by seq, id limit 101',
    [episodeId, 0],
  );
  const ids = steps.rows.map(({ id }) => id);
  const files = await pool.query<object>(
    `select link.step_id, link.role, link.path, link.sha256, artifact.size_bytes, link.content_type, link.kind, link.clock
     from step_artifacts link join artifacts artifact on artifact.sha256 = link.sha256
     where link.step_id = any ($1) order by link.role, link.path`,
    [ids],
  );
  return [episode.rows, steps.rows, files.rows];
}
