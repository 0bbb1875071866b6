import { stat, statfs } from 'node:fs/promises';
import { openSnapshot, readDatabaseSize, readServerVersion } from '../db/read/recovery.ts';
import type { Snapshot } from '../db/read/recovery.ts';
import { AppError } from '../errors.ts';
import { passed } from '../schemas/restore-point.ts';
import type { BackupPart, DatabaseDump, RecoveryCheck } from '../schemas/restore-point.ts';
import type { BackupDeps } from './deps.ts';
import { pointPrefix } from './manifest.ts';
import { majorOf, runPostgresTool } from './postgres-tools.ts';
import type { Working } from './progress.ts';
import { writeReferences } from './references.ts';
import { openScratch } from './scratch.ts';

/** How often the size of the growing dump is looked at. */
const PROGRESS_INTERVAL_MS = 500;

/** Throws unless a point can be made at all: programs new enough, both buckets there, room on the disk. Returns what was seen. */
export async function checkBeforehand(deps: BackupDeps): Promise<RecoveryCheck[]> {
  const server_version = await readServerVersion(deps.db);
  const server = Number.parseInt(server_version, 10);
  for (const program of ['pg_dump', 'pg_restore'] as const) {
    const major = await majorOf(deps.postgres, program);
    if (major < server)
      throw new AppError(
        'failed_precondition',
        `${program} is version ${major}, older than the server (${server}): install PostgreSQL ${server} or name its folder in OBSERVATORY_POSTGRES_BIN_DIR.`,
      );
  }
  await deps.source.store.readyCheck();
  await deps.backups.store.readyCheck();
  await using scratch = await openScratch(deps.scratch_root);
  const { bavail, bsize } = await statfs(scratch.path('.'));
  const free_bytes = bavail * bsize;
  const database_bytes = await readDatabaseSize(deps.db);
  // A compressed dump is smaller than the database, which also holds indexes.
  if (free_bytes < database_bytes)
    throw new AppError(
      'resource_exhausted',
      `The scratch folder has ${free_bytes} bytes free, and the database has ${database_bytes}: make room on its disk.`,
    );
  return [passed('beforehand', { server_version, free_bytes, database_bytes })];
}

/**
 * Dumps the record's database and, from the very same snapshot, lists its references and counts its tables; reads the
 * dump whole before it is stored. Throws what went wrong, worded for people.
 */
export async function dumpDatabase(
  deps: BackupDeps,
  { id }: { id: string },
  { report, signal, attempt }: Working,
): Promise<DatabaseDump> {
  await using scratch = await openScratch(deps.scratch_root);
  const prefix = `${pointPrefix(id)}attempt-${attempt}/`;
  const files = {
    dump: scratch.path('database.dump'),
    globals: scratch.path('globals.sql'),
    references: scratch.path('references.txt'),
  };
  const read = await readSnapshot(deps, files, { report, signal });
  const { postgres } = deps;
  const globals = await runPostgresTool(postgres, {
    program: 'pg_dumpall',
    args: ['--globals-only', '--no-role-passwords', `--database=${read.facts.name}`],
    signal,
  });
  const put = async (name: string, source: Uint8Array | { file: string }): Promise<BackupPart> =>
    deps.backups.names.put(`${prefix}${name}`, source, { contentType: 'application/octet-stream', signal });
  // The list of contents alone does not notice a dump that was cut or bent; reading all of it does. What is stored of one that is
  // no good belongs to no point, for lack of a manifest.
  const [dump] = await together(
    put('database.dump', { file: files.dump }),
    runPostgresTool(postgres, { program: 'pg_restore', args: ['--file=/dev/null', files.dump], signal }),
  );
  return {
    ...read.facts,
    tables: read.tables,
    objects: read.objects,
    dump,
    globals: await put('globals.sql', Buffer.from(globals)),
    references: await put('references.txt', { file: files.references }),
  };
}

type Read = Pick<DatabaseDump, 'tables' | 'objects'> & { facts: Snapshot['facts'] };

async function readSnapshot(
  { pool, postgres }: BackupDeps,
  files: { dump: string; references: string },
  { report, signal }: Pick<Working, 'report' | 'signal'>,
): Promise<Read> {
  await using snapshot = await openSnapshot(pool);
  const objects = await writeReferences(snapshot.references(), files.references);
  const watch = setInterval(() => {
    // It may not have been created yet.
    stat(files.dump).then(
      ({ size }) => report({ bytes: size }),
      () => {},
    );
  }, PROGRESS_INTERVAL_MS);
  try {
    const args = ['--format=custom', `--snapshot=${snapshot.id}`, `--file=${files.dump}`, '--no-password'];
    const [tables] = await together(snapshot.tables(), runPostgresTool(postgres, { program: 'pg_dump', args, signal }));
    return { facts: snapshot.facts, objects, tables };
  } finally {
    clearInterval(watch);
  }
}

/** Two works side by side; when one fails, its error is thrown once the other has ended too, so that nothing goes on unseen. */
async function together<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (b.status === 'rejected') throw b.reason;
  if (a.status === 'rejected') throw a.reason;
  return [a.value, b.value];
}
