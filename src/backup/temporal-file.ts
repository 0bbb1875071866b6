import { backup, DatabaseSync } from 'node:sqlite';
import { AppError } from '../errors.ts';
import type { BackupPart } from '../schemas/restore-point.ts';
import type { BackupDeps } from './deps.ts';
import { pointPrefix } from './manifest.ts';
import type { Working } from './progress.ts';
import { openScratch } from './scratch.ts';

/** Temporal's schema quotes literals as if they were names. A copy waits for a write in progress, in milliseconds. */
const READING = { readOnly: true, enableDoubleQuotedStringLiterals: true, timeout: 10_000 };
/** More pages than any database has: all of them in one step. */
const PAGES_AT_ONCE = 2 ** 31 - 1;

/** Stores a consistent copy of Temporal's database where the deployment owns it, checked page by page; null where it does not. */
export async function copyTemporalFile(
  deps: BackupDeps,
  { id }: { id: string },
  { report, signal, attempt }: Working,
): Promise<BackupPart | null> {
  if (deps.temporal_file === undefined) return null;
  await using scratch = await openScratch(deps.scratch_root);
  const file = scratch.path('temporal.db');
  const source = new DatabaseSync(deps.temporal_file, READING);
  try {
    // All pages in one step: Temporal writes all the time, and a copy in steps would begin anew at every write.
    await backup(source, file, { rate: PAGES_AT_ONCE, progress: ({ totalPages }) => report({ of: totalPages }) });
  } finally {
    source.close();
  }
  checkSqlite(file);
  const key = `${pointPrefix(id)}attempt-${attempt}/temporal.db`;
  // Awaited here: the scratch folder goes when this function returns.
  return await deps.backups.names.put(key, { file }, { contentType: 'application/vnd.sqlite3', signal });
}

/** Reads every page of an SQLite database. Throws data_loss when it is damaged. */
export function checkSqlite(file: string): void {
  const copy = new DatabaseSync(file, READING);
  try {
    const answer = copy.prepare('pragma integrity_check(1)').get() as { integrity_check: string } | undefined;
    if (answer?.integrity_check !== 'ok')
      throw new AppError('data_loss', `The copy of Temporal's database is damaged: ${answer?.integrity_check}`);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('data_loss', `The copy of Temporal's database is damaged: ${(error as Error).message}`);
  } finally {
    copy.close();
  }
}
