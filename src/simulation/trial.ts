import { setImmediate as breathe } from 'node:timers/promises';
import { at, TIMESTEP_S } from './engine.ts';
import { createJudge, failed } from './judge.ts';
import { SCENE_LIMITS } from './limits.ts';
import { createTrajectoryHash } from './trajectory.ts';
import type { Benchmark, Outcome, Vector3 } from '../schemas/simulation.ts';
import type { SceneState } from './engine.ts';
import type { Observation } from './judge.ts';
import type { Scene } from './scene.ts';
import type { Trajectory } from './trajectory.ts';

/** How one spawn is to be simulated. Metres and seconds. */
export interface TrialOptions {
  scene: Scene;
  benchmark: Benchmark;
  spawn: Vector3;
  /** When given, states are kept at these frames a second, and for `tail_s` after the outcome. */
  film?: { fps: number; tail_s: number };
  /** Called every `STEPS_PER_BREATH` steps; may throw to end the trial. */
  onBreath?: (sim_t: number) => void;
}

/** What one spawn came to. `trajectory` holds frames only when it was filmed. */
export interface Trial {
  outcome: Outcome;
  time_s: number;
  steps: number;
  end: Vector3;
  trajectory: Trajectory;
}

/** Steps between two looks at clock and event loop: some 10 ms of them. */
const STEPS_PER_BREATH = 100;

/** Steps a scene from one spawn until its outcome is known. The same scene and spawn give the same states, bit for bit. */
export async function runTrial({ scene, benchmark, spawn, film, onBreath }: TrialOptions): Promise<Trial> {
  const { mujoco, model, payload } = scene;
  using state: SceneState = new mujoco.MjData(model);
  state.qpos.set(spawn, payload.qposAt);
  const stepper = createStepper(scene, state);
  const judge = createJudge(benchmark, payload.radius_m);
  const hash = createTrajectoryHash(model.nq, model.nv);
  const frames: Float64Array[] = [];
  const record = () => {
    if (film !== undefined && state.time * film.fps >= frames.length - 1e-6)
      frames.push(Float64Array.of(state.time, ...state.qpos, ...state.qvel));
  };

  record();
  let steps = 0;
  let outcome = tooManyContacts(scene, state);
  while (outcome === undefined) {
    outcome = stepper.step();
    if (outcome !== undefined) break;
    steps += 1;
    hash.add(stepper.views.qpos, stepper.views.qvel);
    outcome = judge(stepper.observe());
    if (outcome?.success === false && outcome.failure_reason === 'PHYSICS_INSTABILITY') break;
    record();
    if (steps % STEPS_PER_BREATH !== 0) continue;
    onBreath?.(state.time);
    await breathe();
  }
  if (droppedContacts(scene, state)) outcome = unstable(state, 'contacts did not fit into the arena and were ignored');
  const [time_s, end] = [Math.round(steps * TIMESTEP_S * 1e3) / 1e3, positionOf(stepper.views.qpos, payload.qposAt)];
  if (film !== undefined && isCalm(outcome))
    for (const until = state.time + film.tail_s; state.time < until && stepper.step() === undefined; record())
      if (!(stepper.observe().kinetic_energy_j < benchmark.kinetic_energy_max_j)) break;
  const trajectory = { nq: model.nq, nv: model.nv, fps: film?.fps ?? 0, sha256: hash.digest(), frames };
  return { outcome, time_s, steps, end, trajectory };
}

/** Whether stepping on after the outcome makes sense. */
function isCalm(outcome: Outcome): boolean {
  return outcome.failure_reason !== 'PHYSICS_INSTABILITY' && outcome.failure_reason !== 'STABILITY_ISSUE';
}

interface Stepper {
  /** The state's arrays, valid until the next step. */
  views: { qpos: Float64Array; qvel: Float64Array };
  /** One step; answers only when the engine could not make it, or made it with too many contacts. */
  step(): Outcome | undefined;
  /** What the judge is told. The object is reused: it is valid until the next step. */
  observe(): Observation;
}

function createStepper(scene: Scene, state: SceneState): Stepper {
  const { mujoco, model, schedules, payload } = scene;
  const read = () => ({ qpos: state.qpos, qvel: state.qvel, ctrl: state.ctrl, energy: state.energy });
  const seen = { time_s: 0, position: new Float64Array(3), speed_m_s: 0, kinetic_energy_j: 0 };
  const stepper = {
    views: read(),
    step() {
      const { time } = state;
      for (const { actuator, setPoint } of schedules) stepper.views.ctrl[actuator] = setPoint(time);
      try {
        mujoco.mj_step(model, state);
      } catch (error) {
        return unstable(state, `the engine gave up: ${messageOf(error)}`);
      }
      // A WASM memory that grew has emptied the older views.
      if (stepper.views.qpos.length === 0) stepper.views = read();
      return state.ncon > SCENE_LIMITS.CONTACTS_MAX ? contactsOutcome(state) : undefined;
    },
    observe() {
      mujoco.mj_energyVel(model, state);
      const { qpos, qvel, energy } = stepper.views;
      const { qposAt, dofAt } = payload;
      for (let axis = 0; axis < 3; axis++) seen.position[axis] = at(qpos, qposAt + axis);
      seen.time_s = state.time;
      seen.speed_m_s = Math.hypot(at(qvel, dofAt), at(qvel, dofAt + 1), at(qvel, dofAt + 2));
      seen.kinetic_energy_j = at(energy, 1);
      return seen;
    },
  };
  return stepper;
}

/** Looks for overlaps before the first step, whose solver would run for minutes over them. */
function tooManyContacts({ mujoco, model }: Scene, state: SceneState): Outcome | undefined {
  try {
    mujoco.mj_kinematics(model, state);
    mujoco.mj_comPos(model, state);
    mujoco.mj_collision(model, state);
  } catch (error) {
    return unstable(state, `the engine gave up: ${messageOf(error)}`);
  }
  return state.ncon > SCENE_LIMITS.CONTACTS_MAX ? contactsOutcome(state) : undefined;
}

function contactsOutcome(state: SceneState): Outcome {
  return unstable(state, `${state.ncon} simultaneous contacts, at most ${SCENE_LIMITS.CONTACTS_MAX} can be simulated`);
}

/** Whether the engine ran out of room and went on with a part of the contacts: such an outcome is not physics. */
function droppedContacts({ mujoco }: Scene, state: SceneState): boolean {
  // Not a copy: deleting this vector would free the engine's own memory.
  const { warning } = state;
  const { mjWARN_CONTACTFULL, mjWARN_CNSTRFULL } = mujoco.mjtWarning;
  return [mjWARN_CONTACTFULL, mjWARN_CNSTRFULL].some(({ value }) => (warning.get(value)?.number ?? 0) > 0);
}

function unstable(state: SceneState, what: string): Outcome {
  return failed(
    'STABILITY_ISSUE',
    `At ${state.time.toFixed(3)} s: ${what}. Move overlapping parts apart, or keep parts that need not touch from colliding with contype and conaffinity.`,
  );
}

function messageOf(error: unknown): string {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return first.replace(/^MuJoCo Error:\s*/, '');
}

function positionOf(qpos: Float64Array, from: number): Vector3 {
  return [at(qpos, from), at(qpos, from + 1), at(qpos, from + 2)];
}
