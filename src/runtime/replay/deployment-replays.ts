import { createDatabase } from '../../db/client.ts';
import { findEpisodeRuns, listBegunEpisodes } from '../../db/read/replays.ts';
import { upsertReplay } from '../../db/write/replays.ts';
import { AppError } from '../../errors.ts';
import type { Replay } from '../../schemas/replay.ts';
import { createS3ObjectStore } from '../../storage/s3.ts';
import type { Config } from '../../config/config.ts';
import { s3Options } from '../artifact-store.ts';
import { openEpisodeWorkflows } from '../temporal/client.ts';
import { buildWorkflowBundle } from '../temporal/workflow-bundle.ts';
import { replayRuns } from './episode-replays.ts';
import type { OnHistory } from './episode-replays.ts';
import { factsOf, parseHistory } from './history-events.ts';
import { quietRuntime } from './replay.ts';
import type { OnActivation } from './replay.ts';
import { openReplayStream } from './replay-stream.ts';

/** Who watches a replay while it runs, and sees each history before. */
export type Watchers = { onHistory?: OnHistory; onActivation?: OnActivation };

/** A run's replay, with the episode's id where it is one of this deployment. */
export type RunReplay = Replay & { episode_id: string | null; run_id: string };

const EPISODES_PER_PAGE = 100;

/** Replays with this checkout's workflow code, of what a deployment has on record. The verdicts are kept there. */
export type DeploymentReplays = AsyncDisposable & {
  /** Replays every run of an episode. Throws not_found. */
  replayEpisode: (id: string) => AsyncIterable<RunReplay>;
  /** The episodes that began in the last `since_s` seconds (undefined: ever), oldest first. */
  listEpisodes: (since_s: number | undefined) => AsyncIterable<string>;
};

/** Opens a deployment's record, objects and Temporal for reading; only verdicts are written. */
export async function openReplays(config: Config, watchers: Watchers): Promise<DeploymentReplays> {
  quietRuntime();
  const bundle = await buildWorkflowBundle(config.cache);
  await using opened = new AsyncDisposableStack();
  const { db } = opened.use(createDatabase(config.database_url.reveal(), { connections: 2 }));
  const store = opened.use(createS3ObjectStore(s3Options(config)));
  const { client } = opened.use(await openEpisodeWorkflows(config));
  const replays = opened.use(openReplayStream(bundle, watchers));
  const kept = opened.move();
  return {
    async *replayEpisode(id) {
      const of = await findEpisodeRuns(db, id);
      if (!of) throw new AppError('not_found', `There is no episode ${id}.`);
      for await (const { run_id, replay } of replayRuns({ db, store, client }, of, { replays, ...watchers })) {
        await upsertReplay(db, { episode_id: id, run_id, ...replay });
        yield { episode_id: id, run_id, ...replay };
      }
    },
    async *listEpisodes(since_s) {
      for (let after: string | undefined; ;) {
        const ids = await listBegunEpisodes(db, { since_s, after, limit: EPISODES_PER_PAGE });
        yield* ids;
        after = ids.at(-1);
        if (ids.length < EPISODES_PER_PAGE) return;
      }
    },
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

/** Replays histories in JSON with this checkout’s workflow code: no server is needed, and nothing is kept. */
export async function* replayTexts(
  texts: AsyncIterable<string> | Iterable<string>,
  { cache, onHistory, ...watchers }: Watchers & { cache: string },
): AsyncGenerator<RunReplay> {
  quietRuntime();
  await using replays = openReplayStream(await buildWorkflowBundle(cache), watchers);
  for await (const text of texts) {
    const history = parseHistory(text);
    const { run_id } = factsOf(history);
    onHistory?.(run_id, history);
    yield { episode_id: null, run_id, ...(await replays.replay(history)) };
  }
}
