// How fast scenes are simulated and filmed. Peer: DeepMind's native MuJoCo (PyPI) on the same scene, in alternating runs of the same
// bench. Run alone: node test/bench/simulation.ts
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadEngine } from '../../src/simulation/engine.ts';
import { performSimulation } from '../../src/simulation/perform.ts';
import { RenderOptions } from '../../src/simulation/render-options.ts';
import { openScene } from '../../src/simulation/scene.ts';
import { spawnPoint } from '../../src/simulation/spawn.ts';
import { runTrial } from '../../src/simulation/trial.ts';
import { benchJudging } from './judging.ts';
import { transferBenchmark, transferScene } from '../unit/simulation/scenes.ts';

const ROUNDS = 3;
const MUJOCO_VERSION = '3.14.0';
const FILM_ONLY = '--film-only';

/** What the bench measured: medians over alternating runs; null where this machine lacks what a figure needs. */
export interface SimulationBench {
  /** With hashing and judging of every step, as a simulation does it. */
  steps_per_s: number;
  /** What judging and hashing take over stepping alone, microseconds a step: of this mechanism, and of small ones. */
  judging_us_per_step: number;
  judging_us_per_step_small: number;
  /** Native MuJoCo, stepping alone, by the same integrator. */
  native_steps_per_s: number | null;
  ratio: number | null;
  /** Painting and encoding 640×480 together: free, and pinned to one core. */
  film_frames_per_s: number;
  film_frames_per_s_one_core: number | null;
  paint_frames_per_s: number;
}

/** Measures stepping against native MuJoCo, and painting with encoding, on the transfer mechanism (about 3,000 steps, 207 frames). */
export async function benchSimulation(): Promise<SimulationBench> {
  const folder = mkdtempSync(join(tmpdir(), 'simulation-bench-'));
  try {
    const native = prepareNative(folder);
    const [ours, theirs, films]: [number[], number[], { both: number; paint: number }[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await stepsPerSecond());
      if (native !== undefined) theirs.push(native());
      films.push(await filmsPerSecond());
    }
    const nativeSteps = theirs.length === 0 ? null : median(theirs);
    const judging = await benchJudging();
    return {
      steps_per_s: median(ours),
      judging_us_per_step: judging.transfer.judging_us,
      judging_us_per_step_small: judging.mechanisms.judging_us,
      native_steps_per_s: nativeSteps,
      ratio: nativeSteps === null ? null : Math.round((median(ours) / nativeSteps) * 100) / 100,
      film_frames_per_s: median(films.map(({ both }) => both)),
      film_frames_per_s_one_core: pinned(),
      paint_frames_per_s: median(films.map(({ paint }) => paint)),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function stepsPerSecond(): Promise<number> {
  const benchmark = transferBenchmark();
  using scene = openScene(await loadEngine(), transferScene(140), { benchmark });
  const started = performance.now();
  const { steps } = await runTrial({ scene, benchmark, spawn: spawnPoint(benchmark.payload, 0) });
  return perSecond(steps, performance.now() - started);
}

async function filmsPerSecond(): Promise<{ both: number; paint: number }> {
  const render = RenderOptions.parse({ stills: [] });
  const request = { scene: transferScene(140), benchmark: transferBenchmark(), seed: 0, render };
  const { result, timing } = await performSimulation(request);
  const frames = result.video?.frames ?? 0;
  return { both: perSecond(frames, timing.paint_ms + timing.encode_ms), paint: perSecond(frames, timing.paint_ms) };
}

/** Frames a second of this file run on the first core only; null where there is no taskset. */
function pinned(): number | null {
  try {
    return Number(
      execFileSync('taskset', ['-c', '0', process.execPath, import.meta.filename, FILM_ONLY], { encoding: 'utf8' }),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

const NATIVE = `
import sys, time, mujoco
model = mujoco.MjModel.from_xml_path(sys.argv[1])
model.opt.timestep = 0.002
model.opt.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
data = mujoco.MjData(model)
points = list(model.numeric_data)
steps = int(sys.argv[2])
started = time.perf_counter()
for _ in range(steps):
    t = data.time
    data.ctrl[0] = points[1] if t < points[2] else points[5] * min(1.0, (t - points[2]) / (points[4] - points[2]))
    mujoco.mj_step(model, data)
print(steps / (time.perf_counter() - started))
`;
const NATIVE_STEPS = 3_043;

/** Installs native MuJoCo for Python into the folder; undefined where there is no Python. */
function prepareNative(folder: string): (() => number) | undefined {
  try {
    execFileSync('python3', ['-m', 'venv', join(folder, 'venv')], { stdio: 'ignore' });
  } catch {
    // A bench without its peer still measures us; the figure says null.
    return undefined;
  }
  execFileSync(join(folder, 'venv/bin/pip'), ['install', '-q', `mujoco==${MUJOCO_VERSION}`], { stdio: 'ignore' });
  const { xml, files } = transferScene(140);
  writeFileSync(join(folder, 'scene.xml'), xml);
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  writeFileSync(join(folder, 'native.py'), NATIVE);
  const args = [join(folder, 'native.py'), join(folder, 'scene.xml'), String(NATIVE_STEPS)];
  return () => Math.round(Number(execFileSync(join(folder, 'venv/bin/python'), args, { encoding: 'utf8' })));
}

const perSecond = (count: number, ms: number) => Math.round((count * 1000) / ms);
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

if (import.meta.main) {
  if (process.argv.includes(FILM_ONLY)) process.stdout.write(String((await filmsPerSecond()).both));
  else process.stdout.write(`${JSON.stringify(await benchSimulation(), null, 2)}\n`);
}
