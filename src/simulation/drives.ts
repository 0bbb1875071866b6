import { at, nameOf } from './engine.ts';
import { contactsOf } from './payload-contacts.ts';
import type { SceneState } from './engine.ts';
import type { Scene } from './scene.ts';
import type { ConstraintRows } from './constraint-rows.ts';
import type { StateViews } from './state-views.ts';

// What moves the payload without touching it: the engine's own accounts of generalized forces, read at the payload's degrees of
// freedom. Where nothing acts they are exactly zero, so no tolerance is needed.

/** Relative to the forces that are allowed, rounding in the engine's sum. */
const ROUNDING = 1e-12;

/** Whether a spring, damper, motor or the like acts on the payload; `adhesion` says whether contacts may pull. */
export function isDriven({ payload: { dofAt } }: Scene, views: StateViews, adhesion: boolean): boolean {
  const { passive, fluid, adhesion: pulls, actuator } = views;
  for (let dof = dofAt; dof < dofAt + 6; dof++) {
    const allowed = (fluid[dof] as number) + (adhesion ? (pulls[dof] as number) : 0);
    if (Math.abs((passive[dof] as number) - allowed) > ROUNDING * Math.abs(allowed)) return true;
    // Where contacts may pull, an actuator may be what makes them: then the actuators are looked at one by one.
    if (actuator[dof] !== 0) return true;
  }
  return false;
}

/** In words, what acts on the payload. */
export function nameDrive(scene: Scene, state: SceneState, adhesion: boolean): string | undefined {
  return namePassive(scene, state, adhesion) ?? nameActuator(scene, state, adhesion);
}

function namePassive(scene: Scene, state: SceneState, adhesion: boolean): string | undefined {
  const { model, payload } = scene;
  const { dofAt } = payload;
  const acts = (forces: Float64Array) => forces.subarray(dofAt, dofAt + 6).some((value) => value !== 0);
  if (!adhesion && acts(state.qfrc_adhesion)) return nameStickers(scene, state);
  const [spring, gravcomp] = [acts(state.qfrc_spring), acts(state.qfrc_gravcomp)];
  if (gravcomp) return 'gravcomp';
  if (!spring && !acts(state.qfrc_damper)) return undefined;
  const joint = at(model.body_jntadr, payload.body);
  const damped = model.dof_damping.subarray(dofAt, dofAt + 6).some((value) => value !== 0);
  if (damped || at(model.jnt_stiffness, joint) !== 0)
    return `${spring ? 'the stiffness' : 'the damping'} of its joint "${nameOf(scene, 'JOINT', joint)}"`;
  const tendons = Array.from({ length: model.ntendon }, (_, tendon) => tendon).filter((tendon) =>
    mayPull(scene, tendon),
  );
  return tendons.length > 0
    ? tendons.map((tendon) => `the tendon "${nameOf(scene, 'TENDON', tendon)}"`).join(' or ')
    : 'a flex, or a plugin, that is fixed to it';
}

function nameStickers(scene: Scene, state: SceneState): string {
  const others = contactsOf(scene, state).flatMap(({ other, adhesion }) => (adhesion === 0 ? [] : [other()]));
  return `the adhesion of ${others.join(' and ') || 'what it touches'}`;
}

/** Whether a tendon's path may run over the payload; the model keeps the first two trees of a path only. */
function mayPull({ model, payload }: Scene, tendon: number): boolean {
  const tree = at(model.body_treeid, payload.body);
  const own = [at(model.tendon_treeid, 2 * tendon), at(model.tendon_treeid, 2 * tendon + 1)];
  return own.includes(tree) || at(model.tendon_treenum, tendon) > 2;
}

/** The actuator whose force reaches the payload, adhesion apart where that is allowed. */
function nameActuator(scene: Scene, state: SceneState, adhesion: boolean): string | undefined {
  const { mujoco, model, payload } = scene;
  const [forces, moment] = [state.actuator_force, state.actuator_moment];
  const [widths, starts, columns] = [state.moment_rownnz, state.moment_rowadr, state.moment_colind];
  for (let actuator = 0; actuator < model.nu; actuator++) {
    if (adhesion && at(model.actuator_trntype, actuator) === mujoco.mjtTrn.mjTRN_BODY.value) continue;
    const first = at(model.actuator_outadr, actuator);
    for (let out = first; out < first + at(model.actuator_outnum, actuator); out++) {
      if (at(forces, out) === 0) continue;
      const from = at(starts, out);
      for (let entry = from; entry < from + at(widths, out); entry++) {
        const dof = at(columns, entry) - payload.dofAt;
        if (dof >= 0 && dof < 6 && at(moment, entry) !== 0)
          return `the actuator "${nameOf(scene, 'ACTUATOR', actuator) || actuator}"`;
      }
    }
  }
  return undefined;
}

/** Whether constraints other than contacts may act on the payload at all: only then is it worth looking at every step. */
export function mayBeBound({ model, payload }: Scene): boolean {
  const friction = model.dof_frictionloss.subarray(payload.dofAt, payload.dofAt + 6).some((value) => value !== 0);
  return model.neq > 0 || model.ntendon > 0 || friction;
}

/** In words, the equality, limit or friction that acts on the payload, if one does. */
export function findBond(scene: Scene, state: SceneState, rows: ConstraintRows): string | undefined {
  for (let row = 0; row < rows.first; row++)
    if (rows.force[row] !== 0 && rows.touchesPayload(row)) return nameBond(scene, state, row);
  return undefined;
}

function nameBond(scene: Scene, state: SceneState, row: number): string {
  const { mjCNSTR_EQUALITY, mjCNSTR_FRICTION_DOF, mjCNSTR_FRICTION_TENDON, mjCNSTR_LIMIT_TENDON } =
    scene.mujoco.mjtConstraint;
  const [type, id] = [at(state.efc_type, row), at(state.efc_id, row)];
  const named = (kind: 'EQUALITY' | 'TENDON') => `"${nameOf(scene, kind, id) || id}"`;
  if (type === mjCNSTR_EQUALITY.value) return `the equality constraint ${named('EQUALITY')}`;
  if (type === mjCNSTR_FRICTION_TENDON.value) return `the friction of the tendon ${named('TENDON')}`;
  if (type === mjCNSTR_LIMIT_TENDON.value) return `the limit of the tendon ${named('TENDON')}`;
  const joint = nameOf(scene, 'JOINT', at(scene.model.body_jntadr, scene.payload.body));
  return `the ${type === mjCNSTR_FRICTION_DOF.value ? 'frictionloss' : 'limit'} of its joint "${joint}"`;
}
