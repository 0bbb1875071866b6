import { SimulationResult } from '../schemas/simulation.ts';
import { loadEngine } from './engine.ts';
import { encodeGlb } from './glb.ts';
import { millimetres } from './judge.ts';
import { collectParts, encodeStl, partFileNames } from './part-files.ts';
import { collectDrawnGeoms, posesAt } from './picture/drawn-geoms.ts';
import { createFilmPainter, FILM_ANGLE, paintStill } from './picture/film.ts';
import { encodePng } from './picture/png.ts';
import { encodeVideo } from './picture/video.ts';
import { openScene } from './scene.ts';
import { jitterSeeds, spawnPoint } from './spawn.ts';
import { encodeTrajectory } from './trajectory.ts';
import { runTrial } from './trial.ts';
import type {
  Benchmark,
  JitteredTrial,
  Physics,
  Seed,
  SimulationProgress,
  SimulationTiming,
} from '../schemas/simulation.ts';
import type { SceneState } from './engine.ts';
import type { ViewAngle } from './picture/camera.ts';
import type { Film } from './picture/film.ts';
import type { RenderOptions } from './render-options.ts';
import type { Scene, SceneFiles } from './scene.ts';
import type { Trajectory } from './trajectory.ts';
import type { Trial } from './trial.ts';

/** A simulation to perform. `render` false leaves out all pictures and shapes: only physics. */
export interface SimulationRequest {
  scene: SceneFiles;
  benchmark: Benchmark;
  seed: Seed;
  render: RenderOptions | false;
  /** Given where a recorded simulation is run again: stepped and judged as then. */
  physics?: Physics | undefined;
}

/** A file that a simulation makes, to be stored under `path` in the simulation's own folder. */
export interface SimulationFile {
  path: string;
  content_type: string;
  bytes: Uint8Array;
}

/** The outcome of a simulation. All but `timing` is the same for the same scene, benchmark, seed and engine. */
export interface SimulationOutcome {
  result: SimulationResult;
  files: SimulationFile[];
  timing: SimulationTiming;
}

/** What is done for one trial beyond judging it. */
interface Watched {
  film?: { fps: number; tail_s: number } | undefined;
  explains?: boolean;
}

type Report = (progress: SimulationProgress) => void;

/**
 * Performs a simulation in this thread, which it keeps busy: callers outside a simulation's own process want `runSimulation`.
 * Throws `invalid_argument` for a scene that cannot be run and `resource_exhausted` for one that is too large.
 */
export async function performSimulation(
  request: SimulationRequest,
  report: Report = () => {},
): Promise<SimulationOutcome> {
  const { benchmark, seed, render, physics } = request;
  const started = performance.now();
  using scene = openScene(await loadEngine(), request.scene, { benchmark, physics });
  const trial = (trialSeed: number, { film, explains = false }: Watched = {}) =>
    runTrial({
      scene,
      benchmark,
      spawn: spawnPoint(benchmark.payload, trialSeed),
      explains,
      ...(film === undefined ? {} : { film }),
      onBreath: (sim_t) => report({ sim_t, frame: 0, of: film === undefined ? 0 : Math.ceil(sim_t * film.fps) }),
    });
  const main = await trial(seed, { explains: true, film: render === false ? undefined : render });
  const jitters: JitteredTrial[] = [];
  for (const jitterSeed of jitterSeeds(seed)) jitters.push(summarize(await trial(jitterSeed), jitterSeed));
  const simulated = performance.now();

  const result = SimulationResult.parse({
    ...summarize(main, seed),
    spawn_mm: millimetres(spawnPoint(benchmark.payload, seed)),
    end_mm: millimetres(main.end),
    engine: { name: 'mujoco', version: scene.mujoco.mj_versionString(), ...scene.physics },
    jitters,
    robustness: jitters.filter(({ success }) => success).length / jitters.length,
    ...(render !== false && render.video ? { video: clockOf(main.trajectory) } : {}),
  });
  const files = [jsonFile('simulation_result.json', result)];
  const timing = { compute_time_ms: 0, simulate_ms: simulated - started, paint_ms: 0, encode_ms: 0 };
  if (render !== false) {
    files.push({
      path: 'trajectory.bin',
      content_type: 'application/octet-stream',
      bytes: encodeTrajectory(main.trajectory),
    });
    files.push(...(await picture({ scene, benchmark, render, main, timing, report })));
  }
  timing.compute_time_ms = performance.now() - started;
  return { result, files, timing };
}

function summarize({ outcome, time_s, steps, trajectory }: Trial, seed: number): JitteredTrial {
  return { ...outcome, seed, time_s, steps, trajectory_sha256: trajectory.sha256 };
}

function clockOf({ fps, frames }: Trajectory): SimulationResult['video'] {
  return { kind: 'sim', t0: 0, fps, frames: frames.length };
}

interface PictureOptions {
  scene: Scene;
  benchmark: Benchmark;
  render: RenderOptions;
  main: Trial;
  timing: SimulationTiming;
  report: Report;
}

/** The video, poster, stills and shapes of a trial, painted from its trajectory alone. */
async function picture({ scene, benchmark, render, main, timing, report }: PictureOptions): Promise<SimulationFile[]> {
  const { mujoco, model, payload } = scene;
  const { trajectory } = main;
  const { width, height, fps } = render;
  using state: SceneState = new mujoco.MjData(model);
  const rows = trajectory.frames.map((frame) => frame.subarray(1, 1 + trajectory.nq));
  const frames = rows.map((qpos) => posesAt(scene, state, qpos));
  const film: Film = {
    geoms: collectDrawnGeoms(scene),
    benchmark,
    payloadBody: payload.body,
    frames,
    width,
    height,
  };
  const files: SimulationFile[] = [];
  const began = performance.now();
  if (render.video) {
    const paint = createFilmPainter(film, FILM_ANGLE);
    const bytes = await encodeVideo({
      width,
      height,
      fps,
      frames: frames.length,
      paint(frame) {
        const from = performance.now();
        const pixels = paint(frames[frame] as Film['frames'][number]);
        timing.paint_ms += performance.now() - from;
        report({ sim_t: main.time_s, frame: frame + 1, of: frames.length });
        return pixels;
      },
    });
    timing.encode_ms = performance.now() - began - timing.paint_ms;
    files.push({ path: 'sim.mp4', content_type: 'video/mp4', bytes });
  }
  const still = (path: string, angle: ViewAngle) => {
    files.push({ path, content_type: 'image/png', bytes: encodePng(paintStill(film, angle), width, height) });
  };
  still('poster.png', FILM_ANGLE);
  for (const angle of render.stills) still(`e${angle.elevation_deg}_a${angle.azimuth_deg}.png`, angle);
  return [...files, ...shapeFiles({ scene, film, trajectory, state })];
}

interface ShapeOptions {
  scene: Scene;
  film: Film;
  trajectory: Trajectory;
  /** A state to compute poses in. */
  state: SceneState;
}

/** The scene with its motion as GLB, and each part as STL. */
function shapeFiles({ scene, film: { geoms, benchmark }, trajectory, state }: ShapeOptions): SimulationFile[] {
  const parts = collectParts(scene.model, geoms);
  const poses = trajectory.frames.map((frame) => {
    posesAt(scene, state, frame.subarray(1, 1 + trajectory.nq));
    return { positions: state.xpos.slice(), quaternions: state.xquat.slice() };
  });
  const glb = encodeGlb({
    parts,
    benchmark,
    times_s: trajectory.frames.map((frame) => frame[0] ?? 0),
    posesOf: ({ body, fixed }) =>
      (fixed ? poses.slice(0, 1) : poses).map(({ positions, quaternions }) => ({
        position: positions.subarray(3 * body, 3 * body + 3),
        quaternion: quaternions.subarray(4 * body, 4 * body + 4),
      })),
  });
  const bodies = parts.filter(({ body }) => body !== 0);
  const names = partFileNames(bodies);
  const stls = bodies.map((part, index) => ({
    path: `${names[index]}.stl`,
    content_type: 'model/stl',
    bytes: encodeStl(part),
  }));
  return [{ path: 'scene.glb', content_type: 'model/gltf-binary', bytes: glb }, ...stls];
}

function jsonFile(path: string, value: unknown): SimulationFile {
  return { path, content_type: 'application/json', bytes: Buffer.from(`${JSON.stringify(value, null, 2)}\n`) };
}
