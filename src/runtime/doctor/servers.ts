import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { createDatabase } from '../../db/client.ts';
import { readMigrations } from '../../db/migrate.ts';
import { listMigrations, readServer } from '../../db/read/server.ts';
import type { AppliedMigration } from '../../db/read/server.ts';
import { listWaiting } from '../../db/read/waiting.ts';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { Config, S3Access } from '../../config/config.ts';
import { openBucket } from '../recovery.ts';
import { found } from './finding.ts';
import type { Check, Finding } from './finding.ts';

const SET_UP = 'Run `observatory set-up`.';
/** How far clocks may be apart: times of steps are compared across machines, and S3 refuses requests 15 minutes off. */
const CLOCK_SKEW_MS_WARN = 2_000;
const CLOCK_SKEW_MS_MAX = 60_000;
const PROBE = Buffer.from('written by observatory doctor, and removed by it\n');

/** Postgres: reachable, its version, at this code's migration, and its clock. */
export function checkPostgres(config: Config): Check {
  return {
    name: 'postgres',
    mend: 'Start PostgreSQL, or mend DATABASE_URL.',
    async look() {
      await using database = createDatabase(config.database_url.reveal(), { connections: 1 });
      const { db } = database;
      const asked = Date.now();
      const { version, now_ms, migrated } = await readServer(db);
      const answered = Date.now();
      const skew_ms = now_ms - (asked + answered) / 2;
      return [
        found('postgres', 'ok', { detail: `PostgreSQL ${version}` }),
        await compareMigrations(migrated ? await listMigrations(db) : []),
        judgeClock(skew_ms, answered - asked),
        ...(migrated ? await findWaits(db) : []),
      ];
    },
  };
}

async function compareMigrations(applied: AppliedMigration[]): Promise<Finding> {
  const own = await readMigrations();
  const name = 'migrations';
  const unknown = applied.find((row, index) => own[index]?.name !== row.name);
  if (unknown)
    return found(name, 'fail', {
      detail: `the database has ${unknown.name}, which this version does not know`,
      mend: 'Run a newer version.',
    });
  const changed = applied.find((row, index) => own[index]?.checksum !== row.checksum);
  if (changed)
    return found(name, 'fail', {
      detail: `${changed.name} was changed after it was applied`,
      mend: 'Put the file back as it was.',
    });
  const missing = own.length - applied.length;
  return missing === 0
    ? found(name, 'ok', { detail: `all ${own.length} applied` })
    : found(name, 'fail', { detail: `${missing} of ${own.length} are not applied`, mend: SET_UP });
}

/** Whether steps wait for a model's endpoint, and for what. A database of an older version has no place for it. */
async function findWaits(db: Kysely<Database>): Promise<Finding[]> {
  const [first, ...others] = await listWaiting(db).catch(() => []);
  if (!first) return [];
  const more = others.length > 0 ? `; ${others.length} more steps wait` : '';
  const detail = `episode ${first.episode_id} waits for ${first.model} after try ${first.attempt}: ${first.reason}${more}`;
  return [found('waiting', 'warn', { detail, mend: "Start the model's endpoint, or cancel the episode." })];
}

function judgeClock(skew_ms: number, took_ms: number): Finding {
  // Half of the time that the answer took is not known.
  const apart_ms = Math.max(0, Math.abs(skew_ms) - took_ms / 2);
  const state = apart_ms > CLOCK_SKEW_MS_MAX ? 'fail' : apart_ms > CLOCK_SKEW_MS_WARN ? 'warn' : 'ok';
  const detail = `this machine and PostgreSQL's are ${Math.round(apart_ms)} ms apart`;
  return found('clock', state, { detail, mend: 'Let both machines follow a time server (chrony, systemd-timesyncd).' });
}

/** Both buckets: an object is written, read back and removed. */
export function checkBuckets({ s3 }: Config): Check[] {
  return [
    checkBucket('s3 artifacts', s3, s3.bucket_artifacts),
    checkBucket('s3 backups', s3.backups, s3.bucket_backups),
  ];
}

function checkBucket(name: string, access: S3Access, bucket: string): Check {
  return {
    name,
    mend: `Make the bucket ${bucket} at ${access.endpoint}, and let the key write, read and delete in it.`,
    async look() {
      await using opened = openBucket(access, bucket);
      // First of all: some servers make a bucket that is absent when something is written into it.
      await opened.names.readyCheck();
      const key = `doctor/${randomUUID()}`;
      await opened.names.put(key, PROBE, { contentType: 'text/plain' });
      try {
        const read = await opened.names.readBytes(key, PROBE.length);
        if (!PROBE.equals(read)) throw new AppError('data_loss', 'an object was read back otherwise than written');
      } finally {
        await opened.names.remove([key]);
      }
      if (await opened.names.stat(key)) throw new AppError('data_loss', 'a removed object is still there');
      return [found(name, 'ok', { detail: `${bucket}: written, read and removed` })];
    },
  };
}
