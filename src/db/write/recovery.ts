import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Pool } from 'pg';
import type { Database } from '../../schemas/database.ts';
import type { RestoreDrill, RestorePoint } from '../../schemas/restore-point.ts';

/** Notes that a point is being made; saying it again changes nothing. Returns when it began. */
export async function beginRestorePoint(db: Kysely<Database>, id: string): Promise<string> {
  await db
    .insertInto('restore_points')
    .values({ id })
    .onConflict((c) => c.column('id').doNothing())
    .execute();
  const row = await db.selectFrom('restore_points').select('started_at').where('id', '=', id).executeTakeFirstOrThrow();
  return row.started_at;
}

/** Notes how a point ended, also one that this database does not know (it was restored from an older one). */
export async function endRestorePoint(
  db: Kysely<Database>,
  { checks, ended_at: _, ...point }: RestorePoint,
): Promise<RestorePoint> {
  const end = { ...point, checks: JSON.stringify(checks), ended_at: sql<string>`clock_timestamp()` };
  return db
    .insertInto('restore_points')
    .values(end)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(end))
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Points that are still called running though their workflow is gone become failed. Returns how many. */
export async function failAbandonedPoints(db: Kysely<Database>, { age_s }: { age_s: number }): Promise<number> {
  const { rows } = await sql`update restore_points set status = 'failed', ended_at = clock_timestamp(),
    checks = checks || '[{"name": "abandoned", "status": "failed", "reason": "it never ended", "figures": {}}]'::jsonb
    where status = 'running' and started_at < clock_timestamp() - make_interval(secs => ${age_s}) returning id`.execute(
    db,
  );
  return rows.length;
}

/** Notes that a drill runs; saying it again changes nothing. Returns when it began. */
export async function beginRestoreDrill(
  db: Kysely<Database>,
  drill: { id: string; point_id: string | null },
): Promise<string> {
  await db
    .insertInto('restore_drills')
    .values(drill)
    .onConflict((c) => c.column('id').doNothing())
    .execute();
  const { id } = drill;
  const row = await db.selectFrom('restore_drills').select('started_at').where('id', '=', id).executeTakeFirstOrThrow();
  return row.started_at;
}

/** Notes how a drill ended. */
export async function endRestoreDrill(
  db: Kysely<Database>,
  { checks, ended_at: _, ...drill }: RestoreDrill,
): Promise<RestoreDrill> {
  const end = { ...drill, checks: JSON.stringify(checks), ended_at: sql<string>`clock_timestamp()` };
  return db
    .insertInto('restore_drills')
    .values(end)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(end))
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Notes that these objects of the mirror were hashed now and are what their names say. */
export async function noteMirrorObjects(
  db: Kysely<Database>,
  objects: { sha256: string; size_bytes: number; etag: string }[],
): Promise<void> {
  if (objects.length === 0) return;
  await sql`insert into mirror_objects (sha256, size_bytes, etag)
    select distinct on (sha256) sha256, size_bytes, etag from unnest(${objects.map(({ sha256 }) => sha256)}::text[],
      ${objects.map(({ size_bytes }) => size_bytes)}::bigint[], ${objects.map(({ etag }) => etag)}::text[])
      as hashed (sha256, size_bytes, etag) order by sha256
    on conflict (sha256) do update set size_bytes = excluded.size_bytes, etag = excluded.etag,
      verified_at = clock_timestamp()`.execute(db);
}

/** Forgets objects that are no longer in the mirror, or no longer intact. */
export async function forgetMirrorObjects(db: Kysely<Database>, sha256s: string[]): Promise<void> {
  await sql`delete from mirror_objects where sha256 = any(${sha256s})`.execute(db);
}

/** Creates an empty database. Throws already_exists when there is one of this name. */
export async function createEmptyDatabase(pool: Pool, name: string): Promise<void> {
  await pool.query(`create database ${quoted(name)} template template0`);
}

/** Drops a database, whoever is connected to it; does nothing when there is none. */
export async function dropDatabase(pool: Pool, name: string): Promise<void> {
  await pool.query(`drop database if exists ${quoted(name)} with (force)`);
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * What a restored record needs before it is used, in one transaction: a new epoch, schedules held, the episodes that were
 * open noted down to be carried on, and every unconfirmed span read back before it is sent.
 */
export async function enterRestoredEpoch(
  db: Kysely<Database>,
): Promise<{ restore_epoch: number; unconfirmed_spans: number; open_episodes: string[] }> {
  return db.transaction().execute(async (tx) => {
    const { restore_epoch } = await tx
      .updateTable('deployment')
      .set((e) => ({
        restore_epoch: e('restore_epoch', '+', 1),
        restored_at: sql`clock_timestamp()`,
        schedules_held: true,
      }))
      .returning('restore_epoch')
      .executeTakeFirstOrThrow();
    await tx.deleteFrom('restored_episodes').execute();
    const open = await tx
      .insertInto('restored_episodes')
      .columns(['episode_id', 'restore_epoch'])
      .expression((e) =>
        e
          .selectFrom('episodes')
          .select((f) => ['id', f.val(restore_epoch).as('restore_epoch')])
          .where('ended_at', 'is', null),
      )
      .returning('episode_id')
      .execute();
    // Langfuse may hold them already: `sending` says that nobody knows.
    const spans = await sql`update trace_outbox set state = 'sending',
      sent_at = coalesce(sent_at, clock_timestamp()), next_attempt_at = null, unseen_since = null where state in ('pending', 'accepted')
      returning span_id`.execute(tx);
    const open_episodes = open.map(({ episode_id }) => episode_id).toSorted();
    return { restore_epoch, unconfirmed_spans: spans.rows.length, open_episodes };
  });
}

/** Notes that a restored episode has a run again. */
export async function noteEpisodeContinued(db: Kysely<Database>, episodeId: string): Promise<void> {
  await db
    .updateTable('restored_episodes')
    .set({ continued_at: sql`clock_timestamp()` })
    .where('episode_id', '=', episodeId)
    .execute();
}

/** Lets schedules run again. */
export async function releaseSchedules(db: Kysely<Database>): Promise<void> {
  await db.updateTable('deployment').set({ schedules_held: false }).execute();
}

/** Objects of a folder of the mirror that something refers to again are no longer on their way out. */
export async function clearMirrorTombstones(
  db: Kysely<Database>,
  { folder, except }: { folder: string; except: string[] },
): Promise<void> {
  await sql`update mirror_objects set unreferenced_at = null where unreferenced_at is not null
    and starts_with(sha256, ${folder}) and sha256 <> all(${except})`.execute(db);
}

/** Notes since when nothing refers to these objects; returns those for which that is longer ago than `days`. */
export async function tombstoneMirrorObjects(
  db: Kysely<Database>,
  { sha256s, days }: { sha256s: string[]; days: number },
): Promise<string[]> {
  if (sha256s.length === 0) return [];
  const { rows } = await sql<{ sha256: string; expired: boolean }>`insert into mirror_objects
    (sha256, size_bytes, etag, unreferenced_at) select unnest(${sha256s}::text[]), 0, '', clock_timestamp()
    on conflict (sha256) do update set unreferenced_at = coalesce(mirror_objects.unreferenced_at, clock_timestamp())
    returning sha256, unreferenced_at < clock_timestamp() - make_interval(days => ${days}) as expired`.execute(db);
  return rows.filter(({ expired }) => expired).map(({ sha256 }) => sha256);
}
