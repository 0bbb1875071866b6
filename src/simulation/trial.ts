import { setImmediate as breathe } from 'node:timers/promises';
import { findCause } from './blow-up.ts';
import { at } from './engine.ts';
import { CALAMITIES, createJudge, failed } from './judge.ts';
import { createLocator } from './payload-state.ts';
import { createDropWatch, createStepper } from './stepper.ts';
import { createTrajectoryHash } from './trajectory.ts';
import type { Benchmark, Outcome, Vector3 } from '../schemas/simulation.ts';
import type { SceneState } from './engine.ts';
import type { Observation } from './judge.ts';
import type { Locator } from './payload-state.ts';
import type { Scene } from './scene.ts';
import type { StateViews } from './state-views.ts';
import type { Trajectory } from './trajectory.ts';

/** How one spawn is to be simulated. Metres and seconds. */
export interface TrialOptions {
  scene: Scene;
  benchmark: Benchmark;
  spawn: Vector3;
  /** When given, states are kept at these frames a second, and for `tail_s` after the outcome. */
  film?: { fps: number; tail_s: number };
  /** Whether an explosion's cause is looked for, by running the scene up to it again with one thing changed at a time. */
  explains?: boolean;
  /** Called every `STEPS_PER_BREATH` steps; may throw to end the trial. */
  onBreath?: (sim_t: number) => void;
}

/** The outcome of one spawn. `trajectory` holds frames only when it was filmed. */
export interface Trial {
  outcome: Outcome;
  time_s: number;
  steps: number;
  end: Vector3;
  trajectory: Trajectory;
}

/** Steps between two looks at clock and event loop: some 10 ms of them. */
const STEPS_PER_BREATH = 100;
/** Steps between two looks at the engine's warnings, each of which costs as much as a tenth of a step. */
const STEPS_PER_LOOK = 10;

/** Steps a scene from one spawn until its outcome is known. The same scene and spawn give the same states, bit for bit. */
export async function runTrial({ scene, benchmark, spawn, film, explains, onBreath }: TrialOptions): Promise<Trial> {
  const { mujoco, model, payload, physics } = scene;
  using state: SceneState = new mujoco.MjData(model);
  const locator = createLocator(payload, physics.rules);
  locator.place(state.qpos, spawn);
  const stepper = createStepper(scene, state, benchmark);
  const findDropped = createDropWatch(scene, state);
  const judge = createJudge(benchmark, payload.radius_m);
  const hash = createTrajectoryHash(model.nq, model.nv);
  const seen: Observation = { time_s: 0, position: new Float64Array(3), speed_m_s: 0, kinetic_energy_j: 0 };
  const observe = () => {
    const { qpos, qvel, energy } = stepper.views;
    mujoco.mj_energyVel(model, state);
    seen.time_s = stepper.time_s;
    seen.speed_m_s = locator.locate(qpos, qvel, seen.position);
    seen.kinetic_energy_j = at(energy, 1);
    return seen;
  };
  const frames: Float64Array[] = [];
  const record = () => {
    if (film !== undefined && stepper.time_s * film.fps >= frames.length - 1e-6)
      frames.push(Float64Array.of(stepper.time_s, ...stepper.views.qpos, ...stepper.views.qvel));
  };

  record();
  let steps = 0;
  let outcome = stepper.start();
  while (outcome === undefined) {
    outcome = stepper.step();
    if (outcome !== undefined) break;
    steps += 1;
    observe();
    hash.add(stepper.views.qpos, stepper.views.qvel, Number.isFinite(seen.kinetic_energy_j));
    outcome = (steps % STEPS_PER_LOOK === 0 ? findDropped() : undefined) ?? diverged(scene, seen);
    outcome ??= stepper.audit() ?? judge(seen);
    if (outcome !== undefined && !isCalm(outcome)) break;
    record();
    if (steps % STEPS_PER_BREATH !== 0) continue;
    onBreath?.(stepper.time_s);
    await breathe();
  }
  outcome = findDropped() ?? outcome;
  const end = endOf(locator, stepper.views);
  if (explains === true && EXPLOSIONS.has(outcome.failure_reason)) {
    const { kinetic_energy_max_j } = benchmark;
    const cause = findCause(scene, { spawn, steps, kinetic_energy_max_j });
    outcome = cause === undefined ? outcome : { ...outcome, detail: `${outcome.detail} ${cause}` };
  }
  const time_s = Math.round(steps * physics.timestep_s * 1e6) / 1e6;
  if (film !== undefined && isCalm(outcome))
    for (const until = stepper.time_s + film.tail_s; stepper.time_s < until && stepper.step() === undefined; record())
      if (!(observe().kinetic_energy_j < benchmark.kinetic_energy_max_j)) break;
  const trajectory = { nq: model.nq, nv: model.nv, fps: film?.fps ?? 0, sha256: hash.digest(), frames };
  return { outcome, time_s, steps, end, trajectory };
}

const EXPLOSIONS: ReadonlySet<unknown> = new Set<Outcome['failure_reason']>(['PHYSICS_INSTABILITY', 'STATE_DIVERGED']);

/** Whether stepping on after the outcome makes sense. */
const isCalm = ({ failure_reason }: Outcome) => !CALAMITIES.has(failure_reason);

/** A state that is not finite any more. The engine goes on with it, silently. */
function diverged({ physics }: Scene, { time_s, kinetic_energy_j }: Observation): Outcome | undefined {
  if (physics.rules === 1 || Number.isFinite(kinetic_energy_j)) return undefined;
  return failed(
    'STATE_DIVERGED',
    `At ${time_s.toFixed(3)} s the state was no longer finite: positions, velocities or forces grew without bound.`,
  );
}

function endOf(locator: Locator, { qpos, qvel }: StateViews): Vector3 {
  const end = new Float64Array(3);
  locator.locate(qpos, qvel, end);
  return [at(end, 0), at(end, 1), at(end, 2)];
}
