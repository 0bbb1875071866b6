import { dirname } from 'node:path';
import { Context } from '@temporalio/activity';
import type { Kysely } from 'kysely';
import { insertFeedback } from '../db/append/feedback.ts';
import { getEpisode } from '../db/read/episodes.ts';
import { getStepDetail } from '../db/read/steps.ts';
import type { StepDetail } from '../db/read/steps.ts';
import { AppError } from '../errors.ts';
import type { Database } from '../schemas/database.ts';
import { SimulationResult } from '../schemas/simulation.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { heartbeatingWith } from './heartbeat.ts';
import { parseBenchmarkDefinition } from '../simulation/benchmark-definition.ts';
import { compareTrajectories } from '../simulation/compare-trajectories.ts';
import { runSimulation } from '../simulation/run-simulation.ts';
import { resolveScene } from '../simulation/scene-files.ts';
import { parseAgentPath } from '../storage/policy.ts';
import { decodeTrajectory } from '../simulation/trajectory.ts';
import { BENCHMARK_PATH, Simulate } from '../agents/tools/simulate.ts';

/** What a simulation reads and makes is bounded by its own limits far below this. */
const FILE_BYTES_MAX = 256 * 1024 * 1024;
const COMMENT_CHARS_MAX = 2_000;
/** Who gives the score. */
const AUTHOR = 'observatory';
/** The name of the score. */
const REPRODUCED = 'reproduced';

export type ReproduceDeps = {
  db: Kysely<Database>;
  store: Pick<ObjectStore, 'readBytes'>;
  /** Langfuse's environment. */
  environment: string;
};

/** Run the simulation of step `seq` again, and say under this id how it came out. */
export type ReproduceRequest = { episode_id: string; seq: number; feedback_id: string };

/** How a simulation that was run again came out; `comment` is the score's. */
export type Reproduced = { seq: number; reproduced: boolean; comment: string };

/** The activity that runs a recorded simulation again. */
export function createReproduceActivity({ db, store, environment }: ReproduceDeps) {
  return {
    /**
     * Simulates the recorded scene with the recorded seed, holds every trajectory's hash against the recorded one, and keeps
     * the verdict as a score of the step. What is missing, or cannot be simulated any more, is a verdict too.
     */
    reproduce: heartbeatingWith((progress) => async (request: ReproduceRequest): Promise<Reproduced> => {
      const { episode_id, seq, feedback_id } = request;
      const step = await getStepDetail(db, episode_id, seq);
      const { cancellationSignal: signal } = Context.current();
      const { reproduced, comment } = await again({ db, store }, step, {
        signal,
        onProgress: (now) => progress({ ...now }),
      }).catch((thrown: unknown) => {
        const error = AppError.from(thrown);
        if (!VERDICTS.has(error.code)) throw thrown;
        return { reproduced: false, comment: `it cannot be run again: ${error.message}` };
      });
      const said = { data_type: 'BOOLEAN' as const, name: REPRODUCED, value: reproduced, seq };
      await insertFeedback(
        db,
        { ...said, comment: comment.slice(0, COMMENT_CHARS_MAX) },
        { id: feedback_id, episode_id, author: AUTHOR, source: 'automatic', environment },
      );
      return { seq, reproduced, comment };
    }),
  };
}

/** The activities that run recorded simulations again. */
export type ReproduceActivities = ReturnType<typeof createReproduceActivity>;

/** Errors that say something of the simulation, not of the moment. */
const VERDICTS: ReadonlySet<string> = new Set([
  'not_found',
  'data_loss',
  'invalid_argument',
  'resource_exhausted',
  'failed_precondition',
]);

type Running = Pick<Parameters<typeof runSimulation>[0], 'signal' | 'onProgress'>;

async function again(deps: Omit<ReproduceDeps, 'environment'>, step: StepDetail, running: Running) {
  const read = (path: string, sha256: string) => readNamed(deps.store, path, sha256);
  const { scene_path, seed } = Simulate.parse(step.input);
  const made = (name: string) => linkOf(step, ({ role, path }) => role === 'output' && path.endsWith(`/${name}`), name);
  const recordedFile = made('simulation_result.json');
  const recorded = SimulationResult.parse(
    JSON.parse(Buffer.from(await read(recordedFile.path, recordedFile.sha256)).toString('utf8')),
  );
  const { inputs } = await getEpisode(deps.db, step.episode_id);
  const definition = inputs.find(({ path }) => path === BENCHMARK_PATH);
  if (!definition) throw new AppError('failed_precondition', `the episode has no input ${BENCHMARK_PATH}`);
  const benchmark = parseBenchmarkDefinition(
    Buffer.from(await read(BENCHMARK_PATH, definition.sha256)).toString('utf8'),
  );
  const { engine: physics } = recorded;
  const what = {
    scene: await readScene(step, { scenePath: scene_path, rules: physics.rules, read }),
    benchmark,
    seed,
    physics,
    ...running,
  };
  const { result } = await runSimulation({ ...what, render: false });
  const engines = [recorded, result].map(({ engine: { name, version } }) => `${name} ${version}`);
  const hashesOf = ({ trajectory_sha256, jitters }: SimulationResult) => [
    trajectory_sha256,
    ...jitters.map((jitter) => jitter.trajectory_sha256),
  ];
  const [before, now] = [hashesOf(recorded), hashesOf(result)];
  const differing = before.filter((hash, index) => hash !== now[index]).length;
  if (differing === 0)
    return {
      reproduced: true,
      comment: `${before.length} trajectories equal by hash, ${result.steps} steps; ${engines[1]}, recorded with ${engines[0]}`,
    };
  const trajectory = made('trajectory.bin');
  const { files } = await runSimulation({ ...what, render: { video: false, stills: [] } });
  const bytes = files.find(({ path }) => path === 'trajectory.bin')?.bytes ?? new Uint8Array();
  const error = compareTrajectories(
    decodeTrajectory(await read(trajectory.path, trajectory.sha256)),
    decodeTrajectory(bytes),
  );
  return {
    reproduced: false,
    comment: `${differing} of ${before.length} trajectories differ; ${error}; ${engines[1]}, recorded with ${engines[0]}`,
  };
}

type Read = (path: string, sha256: string) => Promise<Uint8Array>;
type Recorded = { scenePath: string; rules: number; read: Read };

/** The scene and the files that it names, from those that the step is on record to have read. */
async function readScene(step: StepDetail, { scenePath, rules, read }: Recorded) {
  const input = (path: string) => linkOf(step, (link) => link.role === 'input' && link.path === path, path);
  const from = parseAgentPath(scenePath);
  if (rules > 1)
    return resolveScene(from, {
      locate: parseAgentPath,
      read: (path) => read(path, input(path).sha256),
    });
  // Then, the engine was given all files beside the scene and below, and looked for them itself.
  const scene = input(scenePath);
  const xml = Buffer.from(await read(scene.path, scene.sha256)).toString('utf8');
  const folder = dirname(scenePath) === '/' ? '/' : `${dirname(scenePath)}/`;
  const others = step.artifacts.filter(({ role, path }) => role === 'input' && path !== scenePath);
  const files = await Promise.all(
    others.map(async ({ path, sha256 }) => [path.slice(folder.length), await read(path, sha256)] as const),
  );
  return { xml, files: new Map(files) };
}

type Link = StepDetail['artifacts'][number];

function linkOf({ seq, artifacts }: StepDetail, is: (link: Link) => boolean, name: string): Link {
  const link = artifacts.find(is);
  if (!link) throw new AppError('failed_precondition', `step ${seq} has no file ${name} on record`);
  return link;
}

async function readNamed(store: ReproduceDeps['store'], path: string, sha256: string): Promise<Uint8Array> {
  return store.readBytes(sha256, { maxBytes: FILE_BYTES_MAX }).catch((cause: unknown) => {
    const { code } = AppError.from(cause);
    if (code !== 'not_found' && code !== 'data_loss') throw cause;
    throw new AppError('data_loss', `${path} (sha256 ${sha256}) is missing or damaged`, { cause });
  });
}
