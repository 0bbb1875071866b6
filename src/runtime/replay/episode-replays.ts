import type { Client } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { Kysely } from 'kysely';
import type { ReplayDeps } from '../../activities/replay.ts';
import { listHistories } from '../../db/read/replays.ts';
import type { EpisodeRuns } from '../../db/read/replays.ts';
import type { Database } from '../../schemas/database.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { parseHistory } from './history-events.ts';
import type { ReplayStream } from './replay-stream.ts';
import { fetchHistories } from './sources.ts';

/** Far above what a run's history can be: Temporal ends a run at 51,200 events or 50 MB, and ours continues at 4,000. */
const HISTORY_BYTES_MAX = 256 * 1024 ** 2;

/** Where an episode's histories come from: the archive, and Temporal for runs that are open or not archived yet. */
export type HistorySources = { db: Kysely<Database>; store: Pick<ObjectStore, 'readBytes'>; client: Client };

/** Called with a history before it is replayed. */
export type OnHistory = (run_id: string, history: History) => void;

/** What activities ask of histories and replays. */
export function createReplayer(
  sources: HistorySources,
  replays: ReplayStream,
): Pick<ReplayDeps, 'fetchHistories' | 'replayRuns'> {
  return {
    async *fetchHistories({ workflow_id, runs, id }) {
      const known = (await listHistories(sources.db, id)).map(({ run_id }) => run_id);
      for await (const { run_id, json, facts } of fetchHistories(sources.client, { workflow_id, runs, known })) {
        const { events, workflow_tasks, failed_tasks, closed_by } = facts;
        yield { run_id, json, counts: { events, workflow_tasks, failed_tasks }, closed_by };
      }
    },
    replayRuns: (of) => replayRuns(sources, of, { replays }),
  };
}

/** Replays every run of an episode, one history in memory at a time: those that are archived, then what only Temporal has. */
export async function* replayRuns(
  { db, store, client }: HistorySources,
  { id, workflow_id, runs }: EpisodeRuns,
  { replays, onHistory }: { replays: ReplayStream; onHistory?: OnHistory },
) {
  const replay = async (run_id: string, history: History) => {
    onHistory?.(run_id, history);
    return { run_id, replay: await replays.replay(history) };
  };
  const archived = await listHistories(db, id);
  for (const { run_id, sha256 } of archived) {
    const bytes = await store.readBytes(sha256, { maxBytes: HISTORY_BYTES_MAX });
    yield await replay(run_id, parseHistory(Buffer.from(bytes).toString('utf8')));
  }
  const known = archived.map(({ run_id }) => run_id);
  for await (const { run_id, history } of fetchHistories(client, { workflow_id, runs, known }))
    yield await replay(run_id, history);
}
