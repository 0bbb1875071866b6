import { hasTables, listDatabases } from '../db/read/recovery.ts';
import { createEmptyDatabase, endRestorePoint, enterRestoredEpoch } from '../db/write/recovery.ts';
import { AppError } from '../errors.ts';
import { failed, passed } from '../schemas/restore-point.ts';
import type { RecoveryCheck, Restoration, RestorePlan, RestorePointManifest } from '../schemas/restore-point.ts';
import { forEachBounded } from '../storage/parallel.ts';
import type { BackupDeps, ObjectBucket } from './deps.ts';
import { checkDatabase, restoreDump } from './drill.ts';
import { resolvePoint } from './manifest.ts';
import { pointOf } from './point.ts';
import type { Working } from './progress.ts';
import { checkOf, proofCheck, proveReferences } from './proof.ts';
import { forEachFolder } from './references.ts';
import type { Reference } from './references.ts';
import { requireSignature } from './signature.ts';
import { openScratch } from './scratch.ts';
import { BUCKET_MISSING } from '../storage/s3-client.ts';

/** Objects copied side by side in one folder. */
const OBJECTS_AT_ONCE = 2;

/** What a restore needs. The live database and bucket may be gone: of the record's server only `server` is used. */
export type RestoreDeps = Pick<
  BackupDeps,
  'backups' | 'scratch_root' | 'postgres' | 'openDatabase' | 'migrate' | 'signing'
> & {
  /** A database of the server that is always there. */
  server: BackupDeps['pool'];
  /** The bucket that the objects are to come into. */
  target: ObjectBucket;
};

/** What is asked: which point (an id or `latest`), and the names of the database and the bucket to make. */
export type RestoreRequest = {
  point: string;
  database: string;
  accept_incomplete: boolean;
  accept_unsigned: boolean;
};

/**
 * What a restore would do. Throws not_found without such a point, data_loss for an altered manifest, failed_precondition
 * for a point that is incomplete, that another key than ours signed, or a target that is not empty.
 */
export async function planRestore(
  deps: RestoreDeps,
  { point, database, accept_incomplete, accept_unsigned }: RestoreRequest,
): Promise<{ plan: RestorePlan; manifest: RestorePointManifest }> {
  const manifest = await resolvePoint(deps.backups.names, point);
  if (manifest.status === 'incomplete' && !accept_incomplete)
    throw new AppError(
      'failed_precondition',
      `The restore point ${manifest.id} is incomplete: ${manifest.missing_count} objects are missing. Choose another, or accept it with --accept-incomplete.`,
    );
  if (!accept_unsigned) requireSignature(manifest, deps.signing);
  await requireEmpty(deps, database);
  const { snapshot_at, dump, tables, objects } = manifest.database;
  const plan = {
    point: manifest.id,
    point_status: manifest.status,
    snapshot_at,
    from: { database: manifest.database.name, bucket: deps.backups.names.bucket },
    to: { database, bucket: deps.target.names.bucket },
    dump_bytes: dump.size_bytes,
    rows: tables.reduce((sum, table) => sum + table.rows, 0),
    objects: objects.count,
    object_bytes: objects.bytes,
    missing: manifest.missing_count,
    signed_by: manifest.signature?.public_key ?? null,
    temporal: manifest.temporal,
  };
  return { plan, manifest };
}

/**
 * Restores a point: proves the mirror, restores and compares the database, copies every object through its hash, and
 * opens a new epoch. What it made stays, also when a check fails: nothing uses it until somebody points a deployment at it.
 */
export async function restorePoint(
  deps: RestoreDeps,
  {
    plan,
    manifest,
    accept_incomplete,
  }: { plan: RestorePlan; manifest: RestorePointManifest; accept_incomplete: boolean },
  working: Working,
): Promise<Restoration> {
  const started = performance.now();
  const checks: RecoveryCheck[] = [];
  const holds = (check: RecoveryCheck) => checks.push(check) > 0 && check.status === 'ok';
  const end = (restore_epoch: number | null, open_episodes: string[] = [], unconfirmed_spans = 0): Restoration => ({
    status: checks.every(({ status }) => status === 'ok') ? 'complete' : 'failed',
    plan,
    restore_epoch,
    open_episodes,
    unconfirmed_spans,
    seconds: (performance.now() - started) / 1000,
    checks,
  });
  const { references, objects } = manifest.database;
  const listed = await checkOf('mirror', async () =>
    proofCheck(
      'mirror',
      await proveReferences(deps, { references, count: objects.count, reread: () => false }, working),
    ),
  );
  if (!holds(listed) && !accept_incomplete) return end(null);
  const { database } = plan.to;
  if ((await listDatabases(deps.server, database)).every((name) => name !== database))
    await createEmptyDatabase(deps.server, database);
  if (!holds(await checkOf('restore', () => restoreDump(deps, { manifest, database }, working)))) return end(null);
  await using restored = deps.openDatabase(database);
  checks.push(...(await checkDatabase(deps, restored, manifest)));
  await deps.target.names.createBucket();
  checks.push(await checkOf('objects', () => copyObjects(deps, manifest, working)));
  const { restore_epoch, unconfirmed_spans, open_episodes } = await enterRestoredEpoch(restored.db);
  // In the snapshot this very point was still being made.
  await endRestorePoint(restored.db, pointOf(manifest));
  return end(restore_epoch, open_episodes, unconfirmed_spans);
}

async function requireEmpty({ server, target, openDatabase }: RestoreDeps, database: string): Promise<void> {
  if ((await listDatabases(server, database)).includes(database)) {
    await using existing = openDatabase(database);
    if (await hasTables(existing.pool))
      throw new AppError(
        'failed_precondition',
        `The database ${database} is not empty: name another one with --database.`,
      );
  }
  try {
    for await (const { key } of target.names.list(''))
      throw new AppError(
        'failed_precondition',
        `The bucket ${target.names.bucket} is not empty (it holds ${key}): name another one with --bucket.`,
      );
  } catch (error) {
    // It does not exist yet: the restore makes it.
    const absent = error instanceof AppError && error.details['reason'] === BUCKET_MISSING;
    if (!absent) throw error;
  }
}

async function copyObjects(
  { backups, target, scratch_root }: RestoreDeps,
  manifest: RestorePointManifest,
  { report, signal }: Working,
): Promise<RecoveryCheck> {
  await using scratch = await openScratch(scratch_root);
  const file = scratch.path('references.txt');
  await backups.names.readToFile(manifest.database.references, file, signal);
  const figures = { copied: 0, bytes: 0, missing: 0 };
  const lost: string[] = [];
  const copy = async (reference: Reference) => {
    const { sha256, size_bytes } = reference;
    try {
      await target.names.copyArtifact(backups.names, reference, signal);
      figures.bytes += size_bytes;
      report({ done: ++figures.copied, of: manifest.database.objects.count, bytes: figures.bytes });
    } catch (error) {
      const { code } = AppError.from(error);
      if (code !== 'not_found' && code !== 'data_loss') throw error;
      if (++figures.missing <= 3) lost.push(sha256);
    }
  };
  await forEachFolder({ path: file, count: manifest.database.objects.count }, async (_, references) =>
    forEachBounded(references, OBJECTS_AT_ONCE, copy),
  );
  if (figures.missing === 0) return passed('objects', figures);
  return failed(
    'objects',
    `${figures.missing} objects are absent or damaged in the mirror, among them ${lost.join(', ')}`,
    figures,
  );
}
