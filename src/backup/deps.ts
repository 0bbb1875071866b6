import type { Kysely } from 'kysely';
import type { Pool } from 'pg';
import type { Database } from '../schemas/database.ts';
import type { BackupStore } from '../storage/backup-store.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { PostgresAccess } from './postgres-tools.ts';
import type { Signing } from './signature.ts';

/** A bucket as artifacts by hash, and as the names in it. */
export type ObjectBucket = { store: ObjectStore; names: BackupStore };

/** What making and reading restore points needs. Credentials are inside, never in an argument or result. */
export type BackupDeps = {
  db: Kysely<Database>;
  pool: Pool;
  postgres: PostgresAccess;
  /** The artifacts' bucket. */
  source: ObjectBucket;
  /** The backups' bucket: points by name, and the mirror of the artifacts by hash. */
  backups: ObjectBucket;
  /** Temporal's SQLite file, where the deployment owns it. */
  temporal_file: string | undefined;
  /** Where dumps lie while they are checked: as much room as the database needs. */
  scratch_root: string;
  code_version: string;
  signing: Signing;
  /** Opens another database of the same server; its caller disposes of it. */
  openDatabase: (name: string) => AsyncDisposable & { db: Kysely<Database>; pool: Pool };
  /** Brings a database to this version's newest migration; returns the names applied. */
  migrate: (pool: Pool) => Promise<string[]>;
};
