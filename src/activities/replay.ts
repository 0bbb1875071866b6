import type { Kysely } from 'kysely';
import { insertArtifact } from '../db/append/artifacts.ts';
import { findEpisodeRuns, listHistories, listUnarchivedEpisodes } from '../db/read/replays.ts';
import type { EpisodeRuns } from '../db/read/replays.ts';
import { insertHistory, upsertReplay } from '../db/write/replays.ts';
import { AppError } from '../errors.ts';
import type { Database } from '../schemas/database.ts';
import type { Replay, TaskCounts } from '../schemas/replay.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { heartbeating } from './heartbeat.ts';

/** How far back the nightly sweep goes, and how many histories it archives: Temporal keeps histories for 90 days. */
const SWEEP_DAYS = 60;
const SWEEP_EPISODES_MAX = 500;

/** A run's history: its encoded JSON, and what it holds. `closed_by` is null while the run is open. */
export type RunHistory = { run_id: string; json: string; counts: TaskCounts; closed_by: string | null };

export type ReplayDeps = {
  db: Kysely<Database>;
  store: Pick<ObjectStore, 'put'>;
  /** The histories that Temporal has of these runs, and of those that they go on from; newest first. */
  fetchHistories: (of: EpisodeRuns) => AsyncIterable<RunHistory>;
  /** Replays every run of an episode, from Temporal or the archive, against the workflow code of this build. */
  replayRuns: (of: EpisodeRuns) => AsyncIterable<{ run_id: string; replay: Replay }>;
  /** The worker's build. */
  build: string;
};

/** The verdict of replaying an episode: how many runs were replayed, and how many of them were not deterministic. */
export type ReplaySummary = { runs: number; parted: number };

/** The activities that keep histories, and hold the workflow code against them. */
export function createReplayActivities(deps: ReplayDeps) {
  return {
    /** Archives the history of every closed run of an episode that is not archived yet. Returns how many it archived. */
    archiveHistories: heartbeating(async (episodeId: string): Promise<number> => archive(deps, episodeId)),

    /** Archives what was missed, of the last days' episodes. Returns how many histories. */
    archiveMissed: heartbeating(async (): Promise<number> => {
      let archived = 0;
      for (const id of await listUnarchivedEpisodes(deps.db, { days: SWEEP_DAYS, limit: SWEEP_EPISODES_MAX }))
        archived += await archive(deps, id);
      return archived;
    }),

    /** Replays every run of an episode and keeps the verdicts. A run that parts from its history is a verdict, no failure. */
    replayEpisode: heartbeating(async (episodeId: string): Promise<ReplaySummary> => {
      const summary = { runs: 0, parted: 0 };
      for await (const { run_id, replay } of deps.replayRuns(await getEpisodeRuns(deps, episodeId))) {
        await upsertReplay(deps.db, { episode_id: episodeId, run_id, ...replay });
        summary.runs += 1;
        if (replay.verdict !== 'deterministic') summary.parted += 1;
      }
      return summary;
    }),
  };
}

/** Every activity of histories and replays. */
export type ReplayActivities = ReturnType<typeof createReplayActivities>;

async function archive(deps: ReplayDeps, episodeId: string): Promise<number> {
  const { db, store, build } = deps;
  const known = new Set((await listHistories(db, episodeId)).map(({ run_id }) => run_id));
  let archived = 0;
  for await (const { run_id, json, counts, closed_by } of deps.fetchHistories(await getEpisodeRuns(deps, episodeId))) {
    if (closed_by === null || known.has(run_id)) continue;
    const stored = await store.put(Buffer.from(json), { contentType: 'application/json' });
    await insertArtifact(db, stored);
    await insertHistory(db, { episode_id: episodeId, run_id, sha256: stored.sha256, ...counts, closed_by, build });
    archived += 1;
  }
  return archived;
}

async function getEpisodeRuns({ db }: ReplayDeps, episodeId: string): Promise<EpisodeRuns> {
  const runs = await findEpisodeRuns(db, episodeId);
  if (!runs) throw new AppError('not_found', `no episode ${episodeId}`);
  return runs;
}
