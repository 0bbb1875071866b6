import { createPublicKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupDeps, ObjectBucket } from '../backup/deps.ts';
import { listManifests, resolvePoint } from '../backup/manifest.ts';
import type { PointList } from '../backup/manifest.ts';
import { urlOfDatabase } from '../backup/postgres-tools.ts';
import { createProgress } from '../backup/progress.ts';
import type { Progress, Working } from '../backup/progress.ts';
import { verifyPoint } from '../backup/proof.ts';
import { planRestore, restorePoint } from '../backup/restore.ts';
import type { RestoreRequest } from '../backup/restore.ts';
import { createDatabase } from '../db/client.ts';
import type { DatabaseClient } from '../db/client.ts';
import { migrate, readMigrations } from '../db/migrate.ts';
import type { RecoveryCheck, Restoration, RestorePlan, RestorePointManifest } from '../schemas/restore-point.ts';
import { createBackupStore } from '../storage/backup-store.ts';
import { createS3ObjectStore } from '../storage/s3.ts';
import { codeVersion } from './code-version.ts';
import { processEnvironment } from '../config/config.ts';
import type { Config, S3Access } from '../config/config.ts';
import { privateKeyOf, publicKeyOf } from '../config/signing-key.ts';

/** What restore points need of this process, open until it is disposed of. */
export async function openBackups(
  config: Config,
  database: Pick<DatabaseClient, 'db' | 'pool'>,
): Promise<BackupDeps & AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  const source = opened.use(openBucket(config.s3, config.s3.bucket_artifacts));
  const backups = opened.use(openBucket(config.s3.backups, config.s3.bucket_backups));
  const url = () => config.database_url.reveal();
  const kept = opened.move();
  return {
    db: database.db,
    pool: database.pool,
    postgres: { bin_dir: config.postgres_bin_dir, path: processEnvironment()['PATH'] ?? '/usr/bin:/bin', url },
    source,
    backups,
    temporal_file: ownedTemporalFile(config),
    scratch_root: join(config.home, 'backup'),
    code_version: codeVersion(),
    signing: signingOf(config),
    openDatabase: (name) => createDatabase(urlOfDatabase(url(), name), { connections: 2 }),
    migrate: async (pool) => migrate(pool, await readMigrations()),
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

/** Points are signed by the configured private key; what is read must be signed by its public half, or by the one that is named. */
function signingOf({ signing }: Config): BackupDeps['signing'] {
  const private_key = signing.private_key ? privateKeyOf(signing.private_key.reveal()) : null;
  const named = signing.public_key === undefined ? null : publicKeyOf(signing.public_key);
  return { private_key, trusted: named ?? (private_key && createPublicKey(private_key)) };
}

/** A bucket as artifacts and as names, under one key pair. */
export function openBucket(access: S3Access, bucket: string): ObjectBucket & AsyncDisposable {
  const { endpoint, region, access_key_id, secret_access_key } = access;
  const credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key.reveal() };
  const store = createS3ObjectStore({ endpoint, region, credentials, bucket });
  const names = createBackupStore({ endpoint, region, credentials, bucket });
  return {
    store,
    names,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await names[Symbol.asyncDispose]();
    },
  };
}

/** Temporal's file where this home's stack runs Temporal itself; one left by an earlier stack does not count. */
function ownedTemporalFile({ home }: Config): string | undefined {
  const file = join(home, 'temporal', 'temporal.db');
  return existsSync(file) && existsSync(join(home, 'run', 'temporal.json')) ? file : undefined;
}

/** Restore points and restores without Temporal and without a worker: what a person needs when everything else is lost. */
export type Recovery = AsyncDisposable & {
  listPoints: () => Promise<PointList>;
  /** A point's manifest, by its id or `latest`. */
  getPoint: (id: string) => Promise<RestorePointManifest>;
  /** Reads the whole point: every part, every object. */
  verify: (manifest: RestorePointManifest, onProgress: OnProgress) => Promise<RecoveryCheck[]>;
  /** What restoring it would do; throws why it cannot be. `run` does it. */
  planRestore: (request: RestoreRequest & { bucket: string }) => Promise<PlannedRestore>;
};
/** A plan, and the means to carry it out. */
export type PlannedRestore = AsyncDisposable & {
  plan: RestorePlan;
  run: (onProgress: OnProgress) => Promise<Restoration>;
};
/** Called with the progress, about once a second. */
export type OnProgress = (progress: Progress) => void;

/** A database that every server has, to make others from. */
const SERVER_DATABASE = 'postgres';
const PROGRESS_INTERVAL_MS = 1_000;

/** Opens the backups bucket and the servers to restore into. */
export async function openRecovery(config: Config): Promise<Recovery> {
  await using opened = new AsyncDisposableStack();
  // Pools connect when they are used: the record's database may be the one that is lost.
  const database = opened.use(createDatabase(config.database_url.reveal(), { connections: 2 }));
  const backups = opened.use(await openBackups(config, database));
  const kept = opened.move();
  return {
    listPoints: async () => listManifests(backups.backups.names),
    getPoint: async (id) => resolvePoint(backups.backups.names, id),
    verify: async (manifest, onProgress) =>
      watched('verify', onProgress, async (working) => verifyPoint(backups, manifest, working)),
    planRestore: async ({ bucket, ...request }) => {
      await using parts = new AsyncDisposableStack();
      const target = parts.use(openBucket(config.s3, bucket));
      const server = parts.use(backups.openDatabase(SERVER_DATABASE));
      const postgres = { ...backups.postgres, url: () => urlOfDatabase(config.database_url.reveal(), SERVER_DATABASE) };
      const deps = { ...backups, postgres, server: server.pool, target };
      const { plan, manifest } = await planRestore(deps, request);
      const { accept_incomplete } = request;
      const held = parts.move();
      return {
        plan,
        run: async (onProgress) =>
          watched('restore', onProgress, async (working) =>
            restorePoint(deps, { plan, manifest, accept_incomplete }, working),
          ),
        [Symbol.asyncDispose]: async () => held.disposeAsync(),
      };
    },
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

async function watched<T>(phase: string, onProgress: OnProgress, work: (working: Working) => Promise<T>): Promise<T> {
  const { report, progress } = createProgress(phase);
  const beat = setInterval(() => onProgress(progress()), PROGRESS_INTERVAL_MS);
  try {
    return await work({ report, signal: new AbortController().signal, attempt: 1 });
  } finally {
    clearInterval(beat);
  }
}
