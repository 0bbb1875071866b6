import { beginRestorePoint, endRestorePoint, failAbandonedPoints } from '../db/write/recovery.ts';
import { AppError } from '../errors.ts';
import { failed, passed } from '../schemas/restore-point.ts';
import type {
  BackupPart,
  DatabaseDump,
  MirrorReport,
  RecoveryCheck,
  RestorePoint,
  RestorePointManifest,
} from '../schemas/restore-point.ts';
import type { BackupDeps } from './deps.ts';
import { checkBeforehand, dumpDatabase } from './dump.ts';
import { readManifest, sealManifest, writeManifest } from './manifest.ts';
import { mirrorObjects } from './mirror.ts';
import { phase } from './progress.ts';
import type { Working } from './progress.ts';
import { proofCheck, proveReferences } from './proof.ts';
import { signingCheck } from './signature.ts';
import { copyTemporalFile } from './temporal-file.ts';

/** A point still called running after this long has no workflow any more. */
const RUNNING_AGE_S_MAX = 48 * 3600;

/** Everything that the phases of a point found out. */
export type SealRequest = {
  id: string;
  started_at: string;
  checks: RecoveryCheck[];
  temporal: BackupPart | null;
  database: DatabaseDump;
  mirror: MirrorReport;
};

/** The phases of a restore point, in their order: what the database refers to is mirrored after it was dumped. */
export function createRestorePointPhases(deps: BackupDeps) {
  return {
    /** Notes that a point is being made, and that points which never ended have failed; returns when it began. */
    beginRestorePoint: phase('begin', async ({ id }: { id: string }) => {
      await failAbandonedPoints(deps.db, { age_s: RUNNING_AGE_S_MAX });
      return beginRestorePoint(deps.db, id);
    }),
    checkBeforehand: phase('beforehand', async (_: { id: string }) => checkBeforehand(deps)),
    copyTemporal: phase('temporal', async (request: { id: string }, working) =>
      copyTemporalFile(deps, request, working),
    ),
    dumpDatabase: phase('database', async (request: { id: string }, working) => dumpDatabase(deps, request, working)),
    mirrorObjects: phase('mirror', async (request: { references: BackupPart; count: number }, working) =>
      mirrorObjects(deps, request, working),
    ),
    sealRestorePoint: phase('proof', async (request: SealRequest, working) => seal(deps, request, working)),
    /** Notes the phase in which a point failed, and why. */
    failRestorePoint: phase('fail', async (failure: { id: string; phase: string; reason: string }) =>
      failPoint(deps, failure),
    ),
  };
}

/** Proves that every reference is in the mirror, writes the manifest, which makes it a restore point, and then the row. */
async function seal(deps: BackupDeps, request: SealRequest, working: Working): Promise<RestorePoint> {
  const { id, started_at, temporal, database, mirror } = request;
  const listed = { references: database.references, count: database.objects.count, reread: () => false };
  const proof = await proveReferences(deps, listed, working);
  const missing = [...new Set([...mirror.missing, ...proof.missing])];
  const checks = [
    ...request.checks,
    ...partChecks(request),
    ...mirrorChecks(mirror, database),
    proofCheck('references', proof),
    signingCheck(deps.signing),
  ];
  const body = {
    format: 1 as const,
    id,
    status: checks.every(({ status }) => status === 'ok') ? ('complete' as const) : ('incomplete' as const),
    started_at,
    sealed_at: new Date().toISOString(),
    code_version: deps.code_version,
    database,
    temporal,
    missing_count: Math.max(mirror.missing_count, proof.missing_count, missing.length),
    missing: missing.slice(0, mirror.missing.length + proof.missing.length),
    checks,
  };
  const manifest = await writeManifest(deps.backups.names, sealManifest(body, deps.signing));
  return endRestorePoint(deps.db, pointOf(manifest));
}

function partChecks({ temporal, database }: SealRequest): RecoveryCheck[] {
  const rows = database.tables.reduce((sum, table) => sum + table.rows, 0);
  const figures = { tables: database.tables.length, rows, dump_bytes: database.dump.size_bytes };
  return [
    passed('temporal', temporal ? { size_bytes: temporal.size_bytes } : { owned: false }),
    passed('database', { ...figures, lsn: database.lsn, migration: database.migration }),
  ];
}

function mirrorChecks({ missing, ...figures }: MirrorReport, { objects }: DatabaseDump): RecoveryCheck[] {
  const lost = figures.absent_in_source + figures.damaged_in_source;
  const source = { referenced: objects.count, absent: figures.absent_in_source, damaged: figures.damaged_in_source };
  return [
    lost === 0
      ? passed('source', source)
      : failed(
          'source',
          `${lost} of ${objects.count} referenced objects are absent or damaged in the artifact store`,
          source,
        ),
    figures.missing_count === 0
      ? passed('mirror', figures)
      : failed(
          'mirror',
          `${figures.missing_count} objects could not be mirrored, among them ${missing.slice(0, 3).join(', ')}`,
          figures,
        ),
  ];
}

/** A sealed point as the record keeps it. */
export function pointOf(manifest: RestorePointManifest): RestorePoint {
  const { id, status, started_at, sealed_at, manifest_sha256, checks, database } = manifest;
  return { id, status, started_at, snapshot_at: database.snapshot_at, ended_at: sealed_at, manifest_sha256, checks };
}

async function failPoint(
  deps: BackupDeps,
  { id, phase, reason }: { id: string; phase: string; reason: string },
): Promise<RestorePoint> {
  // A lost acknowledgement: the point was sealed after all.
  const sealed = await readManifest(deps.backups.names, id).catch((error: unknown) => {
    if (error instanceof AppError) return undefined;
    throw error;
  });
  const started_at = await beginRestorePoint(deps.db, id);
  const checks = [failed(phase, reason)];
  const open = { snapshot_at: null, ended_at: null, manifest_sha256: null };
  return endRestorePoint(deps.db, sealed ? pointOf(sealed) : { id, status: 'failed', started_at, ...open, checks });
}
