import { Kysely, PostgresDialect } from 'kysely';
import type { CompiledQuery } from 'kysely';
import type { Pool } from 'pg';
import { listStepsWithFiles } from '../../src/db/read/steps.ts';
import type { Database } from '../../src/schemas/database.ts';
import { episodeId } from './api-data.ts';

/** Reads a page of 100 steps, and the one that tells whether there are more, by pg alone. */
export type ReadStepPage = (episodeId: string) => Promise<object[]>;

/** The statements of the route as they are sent, seen once: what the API is compared with is what it runs itself. */
export async function recordStepPage(pool: Pool): Promise<ReadStepPage> {
  const seen: CompiledQuery[] = [];
  const db = new Kysely<Database>({
    dialect: new PostgresDialect({ pool }),
    log: ({ query }) => void seen.push(query),
  });
  const sample = episodeId(1);
  await listStepsWithFiles(db, { episode_id: sample, after: 0, limit: 101 });
  return async (id) => {
    const answers: object[] = [];
    for (const { sql, parameters } of seen) {
      const values = parameters.map((value) => (value === sample ? id : value));
      answers.push((await pool.query<object>(sql, values)).rows);
    }
    return answers;
  };
}
