import { at, nameOf } from './engine.ts';
import { createLocator } from './payload-state.ts';
import { geomName } from './payload.ts';
import type { Vector3 } from '../schemas/simulation.ts';
import type { SceneState } from './engine.ts';
import type { Scene } from './scene.ts';

/** A run that ended because its kinetic energy went beyond what is plausible, or was no number. */
export interface BlowUp {
  spawn: Vector3;
  steps: number;
  kinetic_energy_max_j: number;
}

/** Steps to an explosion that is looked into: four simulated seconds at 2 ms. */
const STEPS_MAX = 2_000;
/** Steps beyond the explosion through which an experiment has to stay calm: what only puts it off is not its cause. */
const STEPS_MORE = 100;
/** Metres: overlaps from here on are worth naming; solid things touch by less. */
const OVERLAP_M_MIN = 0.0005;
/** How many times heavier one of two that touch may be until that is worth naming. */
const MASS_RATIO_MIN = 100;
/** Below 2, the explicit treatment of damping is stable: what it takes from a velocity in one step, as a share of that. */
const DAMPING_SHARE_STABLE = 2;

/**
 * In words, what makes a scene explode: the run is repeated with one kind of force left out, or damping treated implicitly, or time
 * steps of a quarter, and the first that keeps it from exploding is the cause. Undefined where none does, or where that takes too long.
 */
export function findCause(scene: Scene, blowUp: BlowUp): string | undefined {
  if (blowUp.steps > STEPS_MAX) return undefined;
  const { mujoco, model, physics, schedules } = scene;
  const { opt } = model;
  const { mjDSBL_ACTUATION, mjDSBL_SPRING, mjDSBL_EQUALITY, mjDSBL_CONTACT } = mujoco.mjtDisableBit;
  const [flags, integrator, timestep] = [opt.disableflags, opt.integrator, opt.timestep];
  const isCalm = (change: () => void) => {
    change();
    try {
      const stretch = Math.round(timestep / opt.timestep);
      return run(scene, { ...blowUp, steps: (blowUp.steps + STEPS_MORE) * stretch }) === 'calm';
    } finally {
      [opt.disableflags, opt.integrator, opt.timestep] = [flags, integrator, timestep];
    }
  };
  const without = ({ value }: { value: number }) => isCalm(() => (opt.disableflags |= value));
  const implicit = mujoco.mjtIntegrator.mjINT_IMPLICITFAST.value;
  if (integrator !== implicit && isCalm(() => (opt.integrator = implicit)))
    return `By the integrator implicitfast it does not: ${physics.integrator} takes damping explicitly. ${stiffest(scene)}`;
  if (schedules.length + model.nu > 0 && without(mjDSBL_ACTUATION))
    return `Without its actuators it does not. ${strongest(scene, blowUp)}`;
  if (without(mjDSBL_SPRING)) return 'Without its springs (stiffness of joints and tendons) it does not.';
  if (model.neq > 0 && without(mjDSBL_EQUALITY)) return 'Without its equality constraints it does not.';
  if (without(mjDSBL_CONTACT)) return `Without contacts it does not.${touches(scene, blowUp)}`;
  if (isCalm(() => (opt.timestep = timestep / 4)))
    return `With a time step of ${timestep / 4} s it does not: ${timestep} s is too long for it.${touches(scene, blowUp)}`;
  return undefined;
}

type Ending = 'calm' | 'exploded';

/** Steps a fresh state as a trial does; `look` is called after each. */
function run(scene: Scene, blowUp: BlowUp, look: (state: SceneState) => void = () => {}): Ending {
  const { mujoco, model, payload, physics, schedules } = scene;
  using state: SceneState = new mujoco.MjData(model);
  createLocator(payload, physics.rules).place(state.qpos, blowUp.spawn);
  try {
    for (let step = 0; step < blowUp.steps; step++) {
      const controls = state.ctrl;
      for (const { actuator, setPoint } of schedules) controls[actuator] = setPoint(state.time);
      mujoco.mj_step(model, state);
      look(state);
      mujoco.mj_energyVel(model, state);
      // Written so that NaN has exploded.
      if (!(at(state.energy, 1) < blowUp.kinetic_energy_max_j)) return 'exploded';
    }
  } catch {
    // What the engine gives up on is no calmer than an explosion; that it was thrown for one experiment is no failure of ours.
    return 'exploded';
  }
  return 'calm';
}

/** The joint whose damping takes most of its velocity in one step, in words. */
function stiffest({ model, physics }: Scene): string {
  let [worst, share] = [-1, 0];
  for (let dof = 0; dof < model.nv; dof++) {
    const own = (at(model.dof_damping, dof) * physics.timestep_s) / at(model.dof_M0, dof);
    if (own > share) [worst, share] = [dof, own];
  }
  if (share < DAMPING_SHARE_STABLE) return 'Leave the integrator out.';
  const joint = at(model.dof_jntid, worst);
  return `The damping of the joint "${nameOf({ model }, 'JOINT', joint) || joint}" takes ${short(share)} times its velocity in a step, and that is stable below ${DAMPING_SHARE_STABLE}: leave the integrator out, or lower the damping.`;
}

/** The actuator that pushed most until the explosion, in words. */
function strongest(scene: Scene, blowUp: BlowUp): string {
  const { model } = scene;
  let [worst, force] = [0, 0];
  run(scene, blowUp, ({ actuator_force: forces }) => {
    for (let actuator = 0; actuator < model.nu; actuator++) {
      const own = Math.abs(at(forces, at(model.actuator_outadr, actuator)));
      if (own > force) [worst, force] = [actuator, own];
    }
  });
  const name = nameOf({ model }, 'ACTUATOR', worst) || worst;
  return `The strongest is "${name}", which came to ${short(force)} N (or N·m): lower its gains, or give it a forcerange.`;
}

/** What touches: the overlap at the start, else what was pressed deepest until the explosion, and how unequal those are that met. */
function touches(scene: Scene, blowUp: BlowUp): string {
  const { mujoco, model, payload, physics } = scene;
  using state: SceneState = new mujoco.MjData(model);
  createLocator(payload, physics.rules).place(state.qpos, blowUp.spawn);
  mujoco.mj_forward(model, state);
  const first = overlapsOf(state).reduce(deeper, NONE);
  if (first.depth >= OVERLAP_M_MIN)
    return ` At the start ${namesOf(scene, first)} overlap by ${short(first.depth * 1000)} mm: move them apart, or keep them from colliding with contype and conaffinity.`;
  let deepest = NONE;
  let [unequal, ratio] = [NONE, MASS_RATIO_MIN];
  run(scene, blowUp, (now) => {
    for (const overlap of overlapsOf(now)) {
      deepest = deeper(deepest, overlap);
      const own = massRatioOf(scene, overlap);
      if (own > ratio) [unequal, ratio] = [overlap, own];
    }
  });
  const pressed =
    deepest === NONE
      ? ''
      : ` Until then ${namesOf(scene, deepest)} were pressed ${short(deepest.depth * 1000)} mm into each other.`;
  const heavy =
    unequal === NONE
      ? ''
      : ` Of ${namesOf(scene, unequal)}, which touched, one is ${short(ratio)} times as heavy as the other.`;
  return pressed + heavy;
}

interface Overlap {
  geoms: [number, number];
  depth: number;
}

const NONE: Overlap = { geoms: [-1, -1], depth: 0 };

const deeper = (a: Overlap, b: Overlap) => (b.depth > a.depth ? b : a);

/** The contacts between two geoms that overlap. */
function overlapsOf(state: SceneState): Overlap[] {
  const found: Overlap[] = [];
  const all = state.contact;
  for (let index = 0; index < all.size(); index++) {
    const contact = all.get(index);
    if (contact === undefined) continue;
    const { geom1, geom2, dist } = contact;
    if (geom1 >= 0 && geom2 >= 0 && dist < 0) found.push({ geoms: [geom1, geom2], depth: -dist });
    contact.delete();
  }
  all.delete();
  return found;
}

/** How many times heavier one of two parts is; 1 where one of them cannot move. */
function massRatioOf({ model }: Scene, { geoms }: Overlap): number {
  const bodies = geoms.map((geom) => at(model.body_weldid, at(model.geom_bodyid, geom)));
  if (bodies.includes(0)) return 1;
  const [a, b] = bodies.map((body) => at(model.body_subtreemass, body)) as [number, number];
  return Math.max(a, b) / Math.min(a, b);
}

const namesOf = (scene: Scene, { geoms: [a, b] }: Overlap) => `${geomName(scene, a)} and ${geomName(scene, b)}`;
const short = (value: number) => Number(value.toPrecision(3));
