import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { Alert, NewAlert } from '../../schemas/alert.ts';
import type { Database } from '../../schemas/database.ts';

/**
 * Raises an alert, or marks the open one as still open. `news`: it is new, or was announced so long ago that it is to be
 * announced again.
 */
export async function raiseAlert(
  db: Kysely<Database>,
  { name, subject = '', message, facts }: NewAlert,
  { remind_ms }: { remind_ms: number },
): Promise<{ alert: Alert; news: boolean }> {
  const { rows } = await sql<Alert & { news: boolean }>`
    insert into alerts (id, name, subject, message, facts) values (${uuidv7()}, ${name}, ${subject}, ${message}, ${JSON.stringify(facts)})
    on conflict (name, subject) where cleared_at is null do update set
      message = excluded.message, facts = excluded.facts, last_at = clock_timestamp(), times = alerts.times + 1,
      told_at = case when alerts.told_at < clock_timestamp() - make_interval(secs => ${remind_ms / 1000})
        then clock_timestamp() else alerts.told_at end
    returning id, name, subject, message, facts, raised_at, last_at, times, cleared_at,
      times = 1 or told_at >= last_at as news`.execute(db);
  const [row] = rows;
  if (!row) throw new Error('an upsert returns its row');
  const { news, ...alert } = row;
  return { alert, news };
}

/** Ends the alert of this name and subject; undefined where none was open. */
export async function clearAlert(db: Kysely<Database>, name: string, subject: string): Promise<Alert | undefined> {
  const row = await db
    .updateTable('alerts')
    .set({ cleared_at: sql`clock_timestamp()` })
    .where('name', '=', name)
    .where('subject', '=', subject)
    .where('cleared_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
  if (!row) return undefined;
  const { told_at: _, ...alert } = row;
  return alert;
}
