import { z } from 'zod';
import { Count, Sha256, Timestamp, Uuid } from './primitives.ts';

/** One thing that was held against what must be true. A failed one says why; figures are what was measured. */
export const RecoveryCheck = z.object({
  name: z.string(),
  status: z.enum(['ok', 'failed']),
  reason: z.string().nullable(),
  figures: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
});
export type RecoveryCheck = z.infer<typeof RecoveryCheck>;

/** A named object in the backups bucket, by its own SHA-256. */
export const BackupPart = z.object({ key: z.string(), sha256: Sha256, size_bytes: Count });
export type BackupPart = z.infer<typeof BackupPart>;

/** A table's rows: how many, and the sum of a 64-bit hash over each, whatever their order. */
export const TableFigures = z.object({ name: z.string(), rows: Count, rows_hash: z.string() });
export type TableFigures = z.infer<typeof TableFigures>;

/** What the dump of the record's database holds, read in the very snapshot that was dumped. */
export const DatabaseDump = z.object({
  name: z.string(),
  server_version: z.string(),
  lsn: z.string(),
  migration: z.string().nullable(),
  restore_epoch: Count,
  snapshot_at: Timestamp,
  tables: z.array(TableFigures),
  dump: BackupPart,
  globals: BackupPart,
  /** Every live artifact as a line `<sha256> <size in bytes>`, sorted. */
  references: BackupPart,
  objects: z.object({ count: Count, bytes: Count }),
});
export type DatabaseDump = z.infer<typeof DatabaseDump>;

/** How many missing or damaged objects are named one by one; the count says how many there are. */
export const NAMED_OBJECTS_MAX = 200;

/** What the mirror did for one point. `missing` names at most NAMED_OBJECTS_MAX hashes that are not in the mirror intact. */
export const MirrorReport = z.object({
  copied: Count,
  copied_bytes: Count,
  skipped: Count,
  reread: Count,
  repaired: Count,
  absent_in_source: Count,
  damaged_in_source: Count,
  missing_count: Count,
  missing: z.array(Sha256),
  seconds: z.number(),
});
export type MirrorReport = z.infer<typeof MirrorReport>;

/** An Ed25519 signature of the manifest's hash; the key is SPKI, and both are base64. */
export const ManifestSignature = z.object({
  algorithm: z.literal('ed25519'),
  public_key: z.string(),
  value: z.string(),
});
export type ManifestSignature = z.infer<typeof ManifestSignature>;

/**
 * The document that makes a restore point: written last, it names every part by hash. `manifest_sha256` is the hash of the
 * document without it and the signature, so that a manifest that was altered says so; the signature says who made it.
 */
export const RestorePointManifest = z.object({
  format: z.literal(1),
  id: Uuid,
  status: z.enum(['complete', 'incomplete']),
  started_at: Timestamp,
  sealed_at: Timestamp,
  code_version: z.string(),
  database: DatabaseDump,
  /** Temporal's SQLite database, where the deployment owns it. */
  temporal: BackupPart.nullable(),
  missing_count: Count,
  missing: z.array(Sha256),
  checks: z.array(RecoveryCheck),
  manifest_sha256: Sha256,
  /** null where no key was configured. */
  signature: ManifestSignature.nullable().default(null),
});
export type RestorePointManifest = z.infer<typeof RestorePointManifest>;

/** A try at a restore point, as the record keeps it and `observatory backup run` prints it. */
export const RestorePoint = z.object({
  id: Uuid,
  status: z.enum(['running', 'complete', 'incomplete', 'failed']),
  started_at: Timestamp,
  snapshot_at: Timestamp.nullable(),
  ended_at: Timestamp.nullable(),
  manifest_sha256: Sha256.nullable(),
  checks: z.array(RecoveryCheck),
});
export type RestorePoint = z.infer<typeof RestorePoint>;

/** A drill: a point restored into a scratch database and read there. `rto_seconds` is how long the restore took. */
export const RestoreDrill = z.object({
  id: Uuid,
  point_id: Uuid.nullable(),
  status: z.enum(['running', 'passed', 'failed']),
  started_at: Timestamp,
  ended_at: Timestamp.nullable(),
  rto_seconds: z.number().nullable(),
  checks: z.array(RecoveryCheck),
});
export type RestoreDrill = z.infer<typeof RestoreDrill>;

/** The input of a workflow for a restore point. `outage_s_max`: how long, in seconds, a phase waits for servers that are away. */
export const RestorePointRequest = z.strictObject({ outage_s_max: z.number().int().min(1).max(86_400).optional() });
export type RestorePointRequest = z.infer<typeof RestorePointRequest>;

/** The input of a drill: which point, else the newest complete one. */
export type RestoreDrillRequest = { point_id?: string; outage_s_max?: number };

/** A check that holds. */
export const passed = (name: string, figures: RecoveryCheck['figures'] = {}): RecoveryCheck => ({
  name,
  status: 'ok',
  reason: null,
  figures,
});

/** A check that does not hold, and why. */
export const failed = (name: string, reason: string, figures: RecoveryCheck['figures'] = {}): RecoveryCheck => ({
  name,
  status: 'failed',
  reason,
  figures,
});

/** What one night's retention did. `refused` says why no object of the mirror was given up, null when nothing forbade it. */
export type RetentionReport = {
  kept: string[];
  pruned: string[];
  mirror: { listed: number; unreferenced: number; removed: number; refused: string | null };
};

/** What a sweep of artifacts did: how many it marked as deleted, how many lost their bytes. `refused` says why none did. */
export type ArtifactSweep = { marked: number; removed: number; refused: string | null };

/** What retention of episodes did; `kept` could not be deleted, since others go on from them. */
export type EpisodeRetentionReport = {
  media_deleted: number;
  deleted: number;
  kept: number;
  artifacts: ArtifactSweep | null;
};

/** What a restore is going to do, as it is shown before anything happens. Sizes in bytes. */
export type RestorePlan = {
  point: string;
  point_status: RestorePointManifest['status'];
  snapshot_at: string;
  from: { database: string; bucket: string };
  to: { database: string; bucket: string };
  dump_bytes: number;
  rows: number;
  objects: number;
  object_bytes: number;
  missing: number;
  /** The public key that signed the point; null where none did. */
  signed_by: string | null;
  temporal: BackupPart | null;
};

/** What a restore did. `open_episodes` had not ended when the snapshot was taken: their workflows must be looked after. */
export type Restoration = {
  status: 'complete' | 'failed';
  plan: RestorePlan;
  restore_epoch: number | null;
  open_episodes: string[];
  unconfirmed_spans: number;
  seconds: number;
  checks: RecoveryCheck[];
};

/** The state of recovery. `rpo_seconds` is the age of the newest verified snapshot, `rto_seconds` how long its restore took. */
export const RecoveryStatus = z.object({
  status: z.enum(['ok', 'stale', 'failing', 'never']),
  rpo_seconds: z.number().nullable(),
  rto_seconds: z.number().nullable(),
  last_attempt: RestorePoint.nullable(),
  last_complete: RestorePoint.nullable(),
  last_drill: RestoreDrill.nullable(),
  /** Objects and bytes in the mirror, and the share of them that was read and hashed within a month. */
  mirror: z.object({ objects: Count, bytes: Count, reread_share: z.number() }),
  /** Whether backups lie on the endpoint that they are to outlive. */
  same_endpoint: z.boolean(),
  checks: z.array(RecoveryCheck),
});
export type RecoveryStatus = z.infer<typeof RecoveryStatus>;
