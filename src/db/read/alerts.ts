import type { Kysely } from 'kysely';
import type { Alert } from '../../schemas/alert.ts';
import type { Database } from '../../schemas/database.ts';

/** Alerts, newest first: all, or the open ones; `before` is the id of the last one seen. */
export async function listAlerts(
  db: Kysely<Database>,
  { open, limit, before }: { open: boolean; limit: number; before?: string },
): Promise<Alert[]> {
  return db
    .selectFrom('alerts')
    .select(['id', 'name', 'subject', 'message', 'facts', 'raised_at', 'last_at', 'times', 'cleared_at'])
    .$if(open, (query) => query.where('cleared_at', 'is', null))
    .$if(before !== undefined, (query) => query.where('id', '<', before ?? ''))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

/** The subjects with this beginning for which an alert of this name is open. */
export async function listOpenSubjects(db: Kysely<Database>, name: string, beginning: string): Promise<string[]> {
  const rows = await db
    .selectFrom('alerts')
    .select('subject')
    .where('name', '=', name)
    .where('subject', '^@', beginning)
    .where('cleared_at', 'is', null)
    .execute();
  return rows.map(({ subject }) => subject);
}
