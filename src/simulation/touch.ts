import { at } from './engine.ts';
import { createNeighbours } from './neighbours.ts';
import { createTouchFinder } from './touch-points.ts';
import { contactsOf } from './payload-contacts.ts';
import type { ConstraintRows } from './constraint-rows.ts';
import type { SceneState } from './engine.ts';
import type { Scene } from './scene.ts';
import type { StateViews } from './state-views.ts';

/** Shares of the payload's radius: how far a touch may miss, and how deep the payload may lie in something at its start. */
const REACH_SHARE_MAX = 0.05;
const OVERLAP_SHARE_MAX = 0.05;
/**
 * The energy that touch may make of nothing, as a share of what lifts the payload by its radius. Contacts of the engine are springs:
 * what they give back they have to have been given since the payload was last free. The rest is rounding in time.
 */
const MADE_SHARE_MAX = 0.02;
const GRAVITY_M_S2 = 9.81;
/** How often contacts with what stands still are looked at one by one, for their depth: that costs as much as a fifth of a step. */
const STEPS_PER_LOOK = 8;

/** One step's contacts, and the velocities before and after it. */
interface TouchedStep {
  rows: ConstraintRows;
  views: StateViews;
  before: Float64Array;
}

/** The rules of touch: it happens where surfaces meet, they are seen, and it makes no energy. */
export interface TouchRules {
  start(): string | undefined;
  /** Whether a step's contacts have to be looked at one by one. */
  isClose(views: StateViews): boolean;
  /** Counts a step in which the payload touches only what stands still and is seen. */
  rest(views: StateViews, before: Float64Array): string | undefined;
  step(step: TouchedStep): string | undefined;
  /** The payload touches nothing. */
  lift(): void;
}

/** The rules, with their accounts of one trial. */
export function createTouchRules(scene: Scene, state: SceneState): TouchRules {
  const { model, payload, cover } = scene;
  const { radius_m: radius } = payload;
  const madeMax = MADE_SHARE_MAX * payload.mass_kg * GRAVITY_M_S2 * radius;
  const findTouches = createTouchFinder(scene, state);
  const parts = createNeighbours(model, payload, movingGeoms(scene));
  const always = model.nflex > 0 || reachOf(scene) > REACH_SHARE_MAX * radius;
  const { dofAt } = payload;
  let made = 0;
  let rested = 0;
  const middle = new Float64Array(model.nv);
  const mayHide = (rows: ConstraintRows, views: StateViews) =>
    cover.isNear(views.geomPositions) &&
    findTouches(rows, views, (point, dist) => !cover.isSeen(point, Math.abs(dist) / 2, views));
  return {
    start() {
      const deep = contactsOf(scene, state).find(({ dist }) => dist < -OVERLAP_SHARE_MAX * radius);
      return deep && `at the start ${deep.other()} overlaps it by ${mm(-deep.dist)} mm and pushes it out`;
    },
    lift() {
      made = 0;
    },
    isClose(views) {
      rested += 1;
      return (
        always ||
        rested % STEPS_PER_LOOK === 0 ||
        parts.isNear(views.geomPositions) ||
        cover.isNear(views.geomPositions)
      );
    },
    rest(views, before) {
      const { qvel, constraint } = views;
      let power = 0;
      for (let dof = dofAt; dof < dofAt + 6; dof++)
        power += ((constraint[dof] as number) * ((before[dof] as number) + (qvel[dof] as number))) / 2;
      made += power * scene.physics.timestep_s;
      return made > madeMax ? explain({ scene, state, views, made, madeMax }) : undefined;
    },
    step({ rows, views, before }) {
      const { qvel } = views;
      for (let dof = 0; dof < middle.length; dof++) middle[dof] = ((before[dof] as number) + (qvel[dof] as number)) / 2;
      const distances = state.efc_pos;
      let power = 0;
      let odd = false;
      for (let row = rows.first; row < rows.count; row++) {
        const force = rows.force[row] as number;
        if (force === 0 || !rows.touchesPayload(row)) continue;
        const distance = distances[row] as number;
        if (distance > REACH_SHARE_MAX * radius || distance < -radius) odd = true;
        power += force * rows.speed(row, middle);
      }
      made += power * scene.physics.timestep_s;
      if (!odd && made <= madeMax && !mayHide(rows, views)) return undefined;
      return explain({ scene, state, views, made, madeMax });
    },
  };
}

/** Geoms that are not fixed to the world, the payload's own apart. */
function movingGeoms({ model, payload }: Scene): number[] {
  return Array.from({ length: model.ngeom }, (_, geom) => geom).filter((geom) => {
    const body = at(model.geom_bodyid, geom);
    return at(model.body_weldid, body) !== 0 && at(model.body_rootid, body) !== payload.body;
  });
}

/** The largest distance from which a contact may push, metres. */
function reachOf({ mujoco, model }: Scene): number {
  const { opt } = model;
  const override = opt.enableflags & mujoco.mjtEnableBit.mjENBL_OVERRIDE.value ? opt.o_margin : 0;
  const margins = [...model.geom_margin].toSorted((a, b) => b - a).slice(0, 2);
  return Math.max(
    override,
    margins.reduce((sum, margin) => sum + margin, 0),
    ...model.pair_margin,
  );
}

interface Explained {
  scene: Scene;
  state: SceneState;
  views: StateViews;
  made: number;
  madeMax: number;
}

/** In words, which rule the contacts of this step break, if they do. */
function explain({ scene, state, views, made, madeMax }: Explained): string | undefined {
  const { radius_m: radius } = scene.payload;
  const touching = contactsOf(scene, state).filter(({ force }) => force);
  for (const { dist, other, geom, point } of touching) {
    if (dist > REACH_SHARE_MAX * radius)
      return `${other()} pushes it from a distance of ${mm(dist)} mm: a margin is no touch`;
    if (dist < -radius)
      return `it lies ${mm(-dist)} mm deep in ${other()}, more than its radius: the contact is too soft (solref, solimp)`;
    if (geom >= 0 && !scene.cover.isCovered(geom, point, views))
      return `${other()} touches it and is not seen: give it an rgba with alpha and a group below 3, or cover it with geoms of its body that have`;
  }
  if (made <= madeMax) return undefined;
  const others = [...new Set(touching.map(({ other }) => other()))].join(' and ') || 'a contact';
  return `${others} gave it ${(made * 1000).toPrecision(3)} mJ that nothing had put in: by overlap, or by a contact that is too stiff for the time step`;
}

const mm = (metres: number) => Number((metres * 1000).toPrecision(3));
