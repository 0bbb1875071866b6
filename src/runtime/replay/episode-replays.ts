import type { Client } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { Kysely } from 'kysely';
import type { ReplayDeps } from '../../activities/replay.ts';
import { listHistories } from '../../db/read/replays.ts';
import type { EpisodeRuns } from '../../db/read/replays.ts';
import type { Database } from '../../schemas/database.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { WorkflowBundle } from '../workflow-bundle.ts';
import { parseHistory } from './history-events.ts';
import { replayHistories } from './replay.ts';
import type { OnActivation } from './replay.ts';
import { fetchHistories } from './sources.ts';

/** Far above what a run's history can be: Temporal ends a run at 51,200 events or 50 MB, and ours continues at 4,000. */
const HISTORY_BYTES_MAX = 256 * 1024 ** 2;

/** Where an episode's histories come from: the archive, and Temporal for runs that are open or not archived yet. */
export type HistorySources = { db: Kysely<Database>; store: Pick<ObjectStore, 'readBytes'>; client: Client };

/** What activities ask of histories and replays; replays of one process take turns, since each wants a core's time. */
export function createReplayer(
  sources: HistorySources,
  bundle: WorkflowBundle,
): Pick<ReplayDeps, 'fetchHistories' | 'replayRuns'> {
  let turn: Promise<unknown> = Promise.resolve();
  return {
    async *fetchHistories({ workflow_id, runs, id }) {
      const known = (await listHistories(sources.db, id)).map(({ run_id }) => run_id);
      for await (const { run_id, json, facts } of fetchHistories(sources.client, { workflow_id, runs, known })) {
        const { events, workflow_tasks, failed_tasks, closed_by } = facts;
        yield { run_id, json, counts: { events, workflow_tasks, failed_tasks }, closed_by };
      }
    },
    async *replayRuns(of) {
      const before = turn;
      const { promise, resolve } = Promise.withResolvers<void>();
      turn = promise;
      await before;
      try {
        yield* replayRuns(sources, of, { bundle });
      } finally {
        resolve();
      }
    },
  };
}

/** Replays every run of an episode, one history in memory at a time. */
export async function* replayRuns(
  sources: HistorySources,
  of: EpisodeRuns,
  { bundle, onActivation, onHistory }: { bundle: WorkflowBundle; onActivation?: OnActivation; onHistory?: OnHistory },
) {
  let run_id = '';
  async function* histories() {
    for await (const run of readHistories(sources, of)) {
      ({ run_id } = run);
      onHistory?.(run.run_id, run.history);
      yield run.history;
    }
  }
  for await (const replay of replayHistories(bundle, histories(), onActivation ? { onActivation } : {}))
    yield { run_id, replay };
}

/** Hears of a history before it is replayed. */
export type OnHistory = (run_id: string, history: History) => void;

/** The histories of an episode's runs: those that are archived, then what only Temporal has. */
async function* readHistories(
  { db, store, client }: HistorySources,
  { id, workflow_id, runs }: EpisodeRuns,
): AsyncGenerator<{ run_id: string; history: History }> {
  const archived = await listHistories(db, id);
  for (const { run_id, sha256 } of archived) {
    const bytes = await store.readBytes(sha256, { maxBytes: HISTORY_BYTES_MAX });
    yield { run_id, history: parseHistory(Buffer.from(bytes).toString('utf8')) };
  }
  const known = archived.map(({ run_id }) => run_id);
  for await (const { run_id, history } of fetchHistories(client, { workflow_id, runs, known }))
    yield { run_id, history };
}
