import { listTracesToDelete } from '../../db/read/deletion.ts';
import { noteTracesForgotten } from '../../db/write/deletion.ts';
import { AppError } from '../../errors.ts';
import type { DeliveryDeps } from './delivery-send.ts';

/** The most traces that Langfuse takes in one request. */
const TRACES_MAX = 1_000;
/** Langfuse Cloud's smallest plan allows 50 requests for deletion a day: one in half an hour is within that. */
const INTERVAL_MS = 30 * 60_000;
/** How old a deletion that Langfuse has not taken may be before an alert is raised. */
const OWED_MS_MAX = 7 * 86_400_000;
const OWED = 'langfuse_deletion_owed';

/** When Langfuse may next be asked to delete something, in milliseconds since 1970. */
export type Deletions = { next_ms: number };

/**
 * Asks Langfuse to delete the traces of deleted episodes, all that are owed in one request, and notes on their tombstones that
 * it took the request. Where it does not, they stay owed, and it is asked again later.
 */
export async function deleteTraces(
  { db, langfuse, alerts, now }: DeliveryDeps,
  deletions: Deletions,
  signal: AbortSignal | undefined,
): Promise<void> {
  const now_ms = now().getTime();
  if (now_ms < deletions.next_ms) return;
  const owed = await listTracesToDelete(db, { limit: TRACES_MAX });
  const [oldest] = owed;
  if (!oldest) return;
  deletions.next_ms = now_ms + INTERVAL_MS;
  const trace_ids = owed.map(({ trace_id }) => trace_id);
  try {
    await langfuse.deleteTraces(trace_ids, signal);
    await noteTracesForgotten(db, trace_ids);
    await alerts.clear(OWED);
  } catch (error) {
    const { message, details } = AppError.from(error);
    const { retry_after_ms } = details;
    if (typeof retry_after_ms === 'number') deletions.next_ms = now_ms + Math.max(retry_after_ms, INTERVAL_MS);
    if (now_ms - Date.parse(oldest.deleted_at) < OWED_MS_MAX) return;
    await alerts.raise({
      name: OWED,
      message:
        'For a week Langfuse has not taken the deletion of traces whose episodes are deleted: it still shows them.',
      facts: { traces: `${owed.length}`, since: oldest.deleted_at, reason: message },
    });
  }
}
