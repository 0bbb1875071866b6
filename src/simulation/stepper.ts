import { createAudit } from './audit.ts';
import { failed } from './judge.ts';
import { SCENE_LIMITS } from './limits.ts';
import { readViews } from './state-views.ts';
import type { Benchmark, Outcome, Physics } from '../schemas/simulation.ts';
import type { SceneState } from './engine.ts';
import type { Scene } from './scene.ts';
import type { StateViews } from './state-views.ts';

/** Steps one state of a scene. */
export interface Stepper {
  /** The state's arrays, valid until the next step. */
  readonly views: StateViews;
  /** The state's time in seconds: the engine's, summed as it does, because to ask it takes a fifth of a microsecond. */
  readonly time_s: number;
  /** Looks before the first step; answers with what makes stepping pointless. */
  start(): Outcome | undefined;
  /** One step; answers only when the engine could not make it, or not with all contacts. */
  step(): Outcome | undefined;
  /** Whether the last step was fair to the benchmark; answers with what moved the payload unfairly. */
  audit(): Outcome | undefined;
}

/** A stepper, which sets the scheduled controls before each step. */
export function createStepper(scene: Scene, state: SceneState, benchmark: Benchmark): Stepper {
  const { mujoco, model, schedules, physics } = scene;
  let views = readViews(state);
  let { time: time_s } = state;
  const before = new Float64Array(model.nv);
  const audit = physics.rules > 1 ? createAudit(scene, state, benchmark) : undefined;
  const driven = (what: string | undefined) =>
    what === undefined
      ? undefined
      : failed(
          'PAYLOAD_DRIVEN',
          `At ${state.time.toFixed(3)} s ${benchmark.payload.name} was not moved by gravity and touch alone: ${what}.`,
        );
  return {
    get views() {
      return views;
    },
    get time_s() {
      return time_s;
    },
    start() {
      try {
        mujoco.mj_kinematics(model, state);
        mujoco.mj_comPos(model, state);
        mujoco.mj_flex(model, state);
        // Looks for overlaps before the first step, whose solver would run for minutes over them.
        mujoco.mj_collision(model, state);
      } catch (error) {
        return gaveUp(scene, state, error);
      }
      return state.ncon > SCENE_LIMITS.CONTACTS_MAX ? tooManyContacts(state) : driven(audit?.start());
    },
    step() {
      before.set(views.qvel);
      for (const { actuator, setPoint } of schedules) views.ctrl[actuator] = setPoint(time_s);
      try {
        mujoco.mj_step(model, state);
      } catch (error) {
        return gaveUp(scene, state, error);
      }
      time_s += physics.timestep_s;
      // A WASM memory that grew has emptied the older views.
      if (views.qpos.length === 0) views = readViews(state);
      return state.ncon > SCENE_LIMITS.CONTACTS_MAX ? tooManyContacts(state) : undefined;
    },
    audit: () => driven(audit?.step(views, before)),
  };
}

const OVERLAPS =
  'Move overlapping parts apart, or keep parts that need not touch from colliding with contype and conaffinity.';

function tooManyContacts(state: SceneState): Outcome {
  return failed(
    'STABILITY_ISSUE',
    `At ${state.time.toFixed(3)} s: ${state.ncon} simultaneous contacts, at most ${SCENE_LIMITS.CONTACTS_MAX} can be simulated. ${OVERLAPS}`,
  );
}

function gaveUp({ physics }: Scene, state: SceneState, error: unknown): Outcome {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  const message = first.replace(/^MuJoCo Error:\s*/, '');
  const at = `At ${state.time.toFixed(3)} s`;
  if (physics.rules === 1) return failed('STABILITY_ISSUE', `${at}: the engine gave up: ${message}. ${OVERLAPS}`);
  if (/out of memory|overflow|allocate/i.test(message))
    return failed(
      'ARENA_FULL',
      `${at} the contacts and constraints did not fit into the memory that <size memory="…"/> gives them: ${message}. Leave it out, or make it larger. ${OVERLAPS}`,
    );
  return failed('ENGINE_FAILED', `${at} the engine gave up: ${message}.`);
}

/** Looks for what the engine only warns of: contacts or constraints were left out, so that what followed is not physics. */
export function createDropWatch({ mujoco, physics }: Scene, state: SceneState): () => Outcome | undefined {
  // Not a copy: deleting this vector would free the engine's own memory. What it gives out are copies, which are ours to delete.
  const { warning } = state;
  const { mjWARN_CONTACTFULL, mjWARN_CNSTRFULL } = mujoco.mjtWarning;
  const isRaised = (which: number) => {
    const copy = warning.get(which);
    const raised = (copy?.number ?? 0) > 0;
    copy?.delete();
    return raised;
  };
  return () =>
    isRaised(mjWARN_CONTACTFULL.value) || isRaised(mjWARN_CNSTRFULL.value) ? dropped(physics, state) : undefined;
}

function dropped(physics: Physics, state: SceneState): Outcome {
  const at = `At ${state.time.toFixed(3)} s`;
  if (physics.rules === 1)
    return failed('STABILITY_ISSUE', `${at}: contacts did not fit into the arena and were ignored. ${OVERLAPS}`);
  return failed(
    'ARENA_FULL',
    `${at} contacts did not fit into the memory that <size memory="…"/> gives them and were ignored. Leave it out, or make it larger. ${OVERLAPS}`,
  );
}
