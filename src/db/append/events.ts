import type { Kysely, Transaction } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { NewEvent } from '../../schemas/events/record.ts';
import { insertArtifacts } from './artifacts.ts';

/** What became of an event: its place in the episode's stream, or why it was not taken. */
export type Appended =
  | { outcome: 'created' | 'replayed'; stream_seq: number }
  | { outcome: 'conflict' }
  | { outcome: 'unknown_step' };

/**
 * Appends events to an episode, each by itself: one that is there already with the same content is `replayed`, one whose
 * id has other content a `conflict`. Outcomes come in the order of the events. Throws not_found for an unknown
 * episode.
 */
export async function insertEvents(db: Kysely<Database>, episode_id: string, events: NewEvent[]): Promise<Appended[]> {
  return db.transaction().execute(async (tx) => {
    // Numbers of the stream are given out under this lock, so that no reader passes a gap.
    const episode = await tx
      .selectFrom('episodes')
      .select('last_stream_seq')
      .where('id', '=', episode_id)
      .forUpdate()
      .executeTakeFirst();
    if (!episode) throw new AppError('not_found', `no episode ${episode_id}`);
    const known = await knownSteps(tx, episode_id, events);
    const isPlaced = ({ step_id }: NewEvent) => step_id === null || known.has(step_id);
    const appended = await appendEvents(tx, events.filter(isPlaced), episode.last_stream_seq);
    const created = appended.filter(({ outcome }) => outcome === 'created').length;
    if (created > 0) {
      await tx
        .updateTable('episodes')
        .set((e) => ({
          last_stream_seq: e('last_stream_seq', '+', created),
          event_count: e('event_count', '+', created),
        }))
        .where('id', '=', episode_id)
        .execute();
    }
    return events.map((event) => (isPlaced(event) ? (appended.shift() as Appended) : { outcome: 'unknown_step' }));
  });
}

/**
 * Appends events under a lock of the episode's row that the caller holds, numbered from `after` + 1 on; the caller adds
 * those created to the episode's sums and to its last number.
 */
export async function appendEvents(
  tx: Transaction<Database>,
  events: NewEvent[],
  after: number,
): Promise<Exclude<Appended, { outcome: 'unknown_step' }>[]> {
  if (events.length === 0) return [];
  const earlier = await tx
    .selectFrom('events')
    .select(['event_id', 'content_sha256', 'stream_seq'])
    .where(
      'event_id',
      'in',
      events.map(({ event_id }) => event_id),
    )
    .execute();
  const byId = new Map(earlier.map((row) => [row.event_id, row]));
  let last = after;
  const created: (NewEvent & { stream_seq: number })[] = [];
  const outcomes = events.map((event) => {
    const { event_id, content_sha256 } = event;
    const same = byId.get(event_id);
    if (same && same.content_sha256 !== content_sha256) return { outcome: 'conflict' as const };
    if (same) return { outcome: 'replayed' as const, stream_seq: same.stream_seq };
    const stream_seq = (last += 1);
    created.push({ ...event, stream_seq });
    byId.set(event_id, { event_id, content_sha256, stream_seq });
    return { outcome: 'created' as const, stream_seq };
  });
  const taken = await insertRows(tx, created);
  return outcomes.map((outcome, index) => {
    const event = events[index] as NewEvent;
    // Another episode has just taken the id: ids are of all episodes, and only this one's row is locked.
    return 'stream_seq' in outcome && outcome.stream_seq > after && !taken.has(event.event_id)
      ? { outcome: 'conflict' }
      : outcome;
  });
}

/** Inserts rows in the order of their ids, so that two batches wait for each other in one direction only. */
async function insertRows(
  tx: Transaction<Database>,
  events: (NewEvent & { stream_seq: number })[],
): Promise<Set<string>> {
  if (events.length === 0) return new Set();
  await insertArtifacts(
    tx,
    events.flatMap(({ exact }) => exact ?? []),
  );
  const rows = await tx
    .insertInto('events')
    .values(
      events
        .toSorted((a, b) => (a.event_id < b.event_id ? -1 : 1))
        .map(({ exact: kept, producer, attributes, payload, ...event }) => ({
          ...event,
          producer: JSON.stringify(producer),
          attributes: JSON.stringify(attributes),
          payload: JSON.stringify(payload),
          sanitized: kept !== null,
          exact_sha256: kept?.sha256 ?? null,
        })),
    )
    .onConflict((conflict) => conflict.column('event_id').doNothing())
    .returning('event_id')
    .execute();
  return new Set(rows.map(({ event_id }) => event_id));
}

async function knownSteps(tx: Transaction<Database>, episodeId: string, events: NewEvent[]): Promise<Set<string>> {
  const ids = [...new Set(events.flatMap(({ step_id }) => step_id ?? []))];
  if (ids.length === 0) return new Set();
  const rows = await tx
    .selectFrom('steps')
    .select('id')
    .where('episode_id', '=', episodeId)
    .where('id', 'in', ids)
    .execute();
  return new Set(rows.map(({ id }) => id));
}
