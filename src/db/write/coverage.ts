import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { CoverageReport } from '../../schemas/coverage.ts';
import type { Database } from '../../schemas/database.ts';

/** Keeps an audit's report. Reports are added, never changed: the newest is the answer. */
export async function insertCoverage(
  db: Kysely<Database>,
  { episode_id, verdict, ...report }: Omit<CoverageReport, 'id' | 'checked_at'>,
): Promise<void> {
  await db
    .insertInto('coverage_reports')
    .values({ id: uuidv7(), episode_id, verdict, report: JSON.stringify(report) })
    .execute();
}
