// What judging and hashing cost over stepping alone, in the engine's own WASM: microseconds of this thread's time a step, so that
// what else the machine does counts little. Run alone: node test/bench/judging.ts
import { loadEngine } from '../../src/simulation/engine.ts';
import { createLocator } from '../../src/simulation/payload-state.ts';
import { openScene } from '../../src/simulation/scene.ts';
import { spawnPoint } from '../../src/simulation/spawn.ts';
import { runTrial } from '../../src/simulation/trial.ts';
import { courseBenchmark } from '../unit/simulation/cheats.ts';
import { MECHANISMS } from '../unit/simulation/mechanisms.ts';
import { transferBenchmark, transferScene } from '../unit/simulation/scenes.ts';
import type { Benchmark } from '../../src/schemas/simulation.ts';
import type { Mujoco, SceneState } from '../../src/simulation/engine.ts';
import type { Scene, SceneFiles } from '../../src/simulation/scene.ts';

const ROUNDS = 15;

/** A scene's figures, in microseconds a step. */
export interface JudgingCost {
  bare_us: number;
  judging_us: number;
}

/** Medians over alternating runs: of the transfer mechanism, and the middle one of all small mechanisms, each of another kind. */
export async function benchJudging(): Promise<{ transfer: JudgingCost; mechanisms: JudgingCost }> {
  const mujoco = await loadEngine();
  const transfer = await costOf({ mujoco, scene: transferScene(140), benchmark: transferBenchmark() });
  const all: JudgingCost[] = [];
  for (const { xml, benchmark = courseBenchmark() } of MECHANISMS)
    all.push(await costOf({ mujoco, scene: { xml, files: new Map() }, benchmark }));
  return {
    transfer,
    mechanisms: {
      bare_us: median(all.map(({ bare_us }) => bare_us)),
      judging_us: median(all.map(({ judging_us }) => judging_us)),
    },
  };
}

interface Judged {
  mujoco: Mujoco;
  scene: SceneFiles;
  benchmark: Benchmark;
}

async function costOf({ mujoco, scene: source, benchmark }: Judged): Promise<JudgingCost> {
  using scene = openScene(mujoco, source, { benchmark });
  const spawn = spawnPoint(benchmark.payload, 0);
  const [bare, more]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const began = spent();
    const { steps } = await runTrial({ scene, benchmark, spawn });
    const whole = (spent() - began) / steps;
    const alone = stepAlone(scene, spawn, steps) / steps;
    bare.push(alone);
    more.push(whole - alone);
  }
  return { bare_us: rounded(median(bare)), judging_us: rounded(median(more)) };
}

/** Microseconds that the same steps take without anything else. */
function stepAlone(
  scene: Scene,
  spawn: Parameters<ReturnType<typeof createLocator>['place']>[1],
  steps: number,
): number {
  const { mujoco, model, payload, physics, schedules } = scene;
  using state: SceneState = new mujoco.MjData(model);
  createLocator(payload, physics.rules).place(state.qpos, spawn);
  const controls = state.ctrl;
  const began = spent();
  for (let step = 0, time = 0; step < steps; step++, time += physics.timestep_s) {
    for (const { actuator, setPoint } of schedules) controls[actuator] = setPoint(time);
    mujoco.mj_step(model, state);
  }
  return spent() - began;
}

function spent(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

const rounded = (value: number) => Math.round(value * 10) / 10;
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

if (import.meta.main) process.stdout.write(`${JSON.stringify(await benchJudging(), null, 2)}\n`);
