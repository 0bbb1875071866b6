import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { Database } from '../../schemas/database.ts';

/** Brings a deleted artifact back before its bytes are looked for: from here on nobody takes them away. Waits for whoever is at it. */
export async function claimArtifact(db: Kysely<Database>, sha256: string): Promise<void> {
  await sql`update artifacts set deleted_at = null where sha256 = ${sha256} and deleted_at is not null`.execute(db);
}

/**
 * Marks as deleted, of the artifacts after `after` in the order of their hashes, the next `limit` that are older than `hours` and that no
 * row refers to. Returns how many, and where to go on (null: there are no more).
 */
export async function tombstoneArtifacts(
  db: Kysely<Database>,
  { after, hours, limit }: { after: string; hours: number; limit: number },
): Promise<{ deleted: number; next: string | null }> {
  return db.transaction().execute(async (tx) => {
    const unreferenced = await unreferencedIn(tx);
    const { rows } = await sql<{ sha256: string }>`select a.sha256 from artifacts a where a.sha256 > ${after}
      and a.deleted_at is null and a.created_at < clock_timestamp() - make_interval(hours => ${hours}) and ${unreferenced}
      order by a.sha256 limit ${limit}`.execute(tx);
    const sha256s = rows.map(({ sha256 }) => sha256);
    // Whoever links one of them holds its row until he commits: with the rows locked, the next statement sees every link.
    await sql`select from artifacts where sha256 = any(${sha256s}) order by sha256 for update`.execute(tx);
    const { numAffectedRows } = await sql`update artifacts a set deleted_at = clock_timestamp()
      where a.sha256 = any(${sha256s}) and a.deleted_at is null and ${unreferenced}`.execute(tx);
    return { deleted: Number(numAffectedRows ?? 0), next: rows.length < limit ? null : (sha256s.at(-1) ?? null) };
  });
}

/** Hashes below a folder (their first digits) that have been deleted for more than `hours`, in their order. */
export async function listDeletedArtifacts(
  db: Kysely<Database>,
  { folder, hours }: { folder: string; hours: number },
): Promise<string[]> {
  const { rows } = await sql<{ sha256: string }>`select sha256 from artifacts where starts_with(sha256, ${folder})
    and deleted_at < clock_timestamp() - make_interval(hours => ${hours}) order by sha256`.execute(db);
  return rows.map(({ sha256 }) => sha256);
}

/**
 * Forgets deleted artifacts for good: `remove` takes the bytes of those that are still deleted, under the locks of their rows, so
 * that one which is stored again meanwhile waits and is then stored anew. Returns their hashes.
 */
export async function forgetArtifacts(
  db: Kysely<Database>,
  { sha256s, hours }: { sha256s: string[]; hours: number },
  remove: (sha256s: string[]) => Promise<void>,
): Promise<string[]> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ sha256: string }>`select a.sha256 from artifacts a where a.sha256 = any(${sha256s})
      and a.deleted_at < clock_timestamp() - make_interval(hours => ${hours}) order by a.sha256 for update skip locked`.execute(
      tx,
    );
    const locked = rows.map(({ sha256 }) => sha256);
    const { rows: free } = await sql<{
      sha256: string;
    }>`select a.sha256 from artifacts a where a.sha256 = any(${locked})
      and ${await unreferencedIn(tx)}`.execute(tx);
    const gone = free.map(({ sha256 }) => sha256);
    if (gone.length === 0) return gone;
    await remove(gone);
    await sql`delete from artifacts where sha256 = any(${gone})`.execute(tx);
    return gone;
  });
}

/** The condition that nothing refers to the artifact `a`: no row by a foreign key, whatever table has one, and no episode's inputs. */
async function unreferencedIn(db: Kysely<Database>): Promise<RawBuilder<boolean>> {
  const { rows } = await sql<{
    table: string;
    column: string;
  }>`select c.conrelid::regclass::text as table, a.attname as column
    from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.contype = 'f' and c.confrelid = 'artifacts'::regclass`.execute(db);
  const conditions = rows.map(
    ({ table, column }) => sql`not exists (select from ${sql.table(table)} r where r.${sql.ref(column)} = a.sha256)`,
  );
  return sql<boolean>`${sql.join(
    [
      ...conditions,
      sql`not exists (select from episodes e where e.inputs @> jsonb_build_array(jsonb_build_object('sha256', a.sha256)))`,
    ],
    sql` and `,
  )}`;
}
