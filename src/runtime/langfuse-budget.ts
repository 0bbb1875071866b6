import type { Kysely } from 'kysely';
import { hasLimit, noteLimit, takeRequest } from '../db/write/langfuse-budget.ts';
import type { Database } from '../schemas/database.ts';
import { ownShareOf } from '../tracing/api-budget.ts';
import type { ApiBudget } from '../tracing/api-budget.ts';

/** The budget of requests to the server at this address, in the record, where every process finds it. */
export function createApiBudget(db: Kysely<Database>, base_url: string, now: () => Date = () => new Date()): ApiBudget {
  const server = new URL(base_url).origin;
  return {
    take: (wait_ms_max) => takeRequest(db, { server, now: now().toISOString(), wait_ms_max }),
    async learn({ retry_after_ms, per_minute }) {
      const next_at = new Date(now().getTime() + retry_after_ms).toISOString();
      const share = per_minute === null ? null : ownShareOf(per_minute);
      await noteLimit(db, { server, now: now().toISOString(), next_at, per_minute: share });
    },
    isLimited: () => hasLimit(db, { server, now: now().toISOString() }),
  };
}
