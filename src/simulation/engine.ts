import loadMujoco from '@mujoco/mujoco';
import type { MainModule, MjData, MjModel, MjOption } from '@mujoco/mujoco';

/** Seconds a step, and the integrator: the same for every scene, whatever its `<option>` says. */
export const TIMESTEP_S = 0.002;
export const INTEGRATOR = 'RK4';

/** MuJoCo's WebAssembly module. */
export type Mujoco = MainModule;

/** A compiled model with the arrays that we read typed: they are views into WASM memory, so slice what must last. */
export interface SceneModel extends MjModel {
  opt: Omit<MjOption, 'gravity' | 'wind'> & { readonly gravity: Float64Array; readonly wind: Float64Array };
  readonly body_parentid: Int32Array;
  readonly body_weldid: Int32Array;
  readonly body_jntnum: Int32Array;
  readonly body_jntadr: Int32Array;
  readonly body_geomadr: Int32Array;
  readonly body_geomnum: Int32Array;
  readonly body_gravcomp: Float64Array;
  readonly jnt_type: Int32Array;
  readonly jnt_qposadr: Int32Array;
  readonly jnt_dofadr: Int32Array;
  readonly geom_type: Int32Array;
  readonly geom_contype: Int32Array;
  readonly geom_conaffinity: Int32Array;
  readonly geom_bodyid: Int32Array;
  readonly geom_group: Int32Array;
  readonly geom_dataid: Int32Array;
  readonly geom_matid: Int32Array;
  readonly geom_size: Float64Array;
  readonly geom_aabb: Float64Array;
  readonly geom_pos: Float64Array;
  readonly geom_quat: Float64Array;
  readonly geom_rgba: Float32Array;
  readonly mat_rgba: Float32Array;
  readonly site_bodyid: Int32Array;
  readonly mesh_vertadr: Int32Array;
  readonly mesh_vertnum: Int32Array;
  readonly mesh_faceadr: Int32Array;
  readonly mesh_facenum: Int32Array;
  readonly mesh_vert: Float32Array;
  readonly mesh_face: Int32Array;
  readonly hfield_adr: Int32Array;
  readonly hfield_nrow: Int32Array;
  readonly hfield_ncol: Int32Array;
  readonly hfield_size: Float64Array;
  readonly hfield_data: Float32Array;
  readonly numeric_adr: Int32Array;
  readonly numeric_size: Int32Array;
  readonly numeric_data: Float64Array;
  readonly actuator_trntype: Int32Array;
  readonly actuator_trnid: Int32Array;
  readonly eq_type: Int32Array;
  readonly eq_objtype: Int32Array;
  readonly eq_obj1id: Int32Array;
  readonly eq_obj2id: Int32Array;
}

/** A compiled model and the engine it lives in. */
export interface Compiled {
  mujoco: Mujoco;
  model: SceneModel;
}

/** A simulation's state. Each access makes a fresh view; a growing WASM memory leaves older ones with length 0. */
export interface SceneState extends MjData {
  readonly qpos: Float64Array;
  readonly qvel: Float64Array;
  readonly ctrl: Float64Array;
  readonly energy: Float64Array;
  readonly geom_xpos: Float64Array;
  readonly geom_xmat: Float64Array;
  readonly xpos: Float64Array;
  readonly xquat: Float64Array;
}

/** The engine, with a memory of its own. What it prints is dropped: every error also comes as an exception. */
export function loadEngine(): Promise<Mujoco> {
  const drop = () => {};
  return loadMujoco({ print: drop, printErr: drop });
}

type ObjectKind = 'BODY' | 'JOINT' | 'GEOM' | 'NUMERIC' | 'ACTUATOR';

/** The id of a named object, -1 when there is none. Ids, because `model.body(name)` and its like are handles that need `delete()`. */
export function idOf({ mujoco, model }: Compiled, kind: ObjectKind, name: string): number {
  return mujoco.mj_name2id(model, mujoco.mjtObj[`mjOBJ_${kind}`].value, name);
}

/** The name of an object; empty when it has none. */
export function nameOf({ mujoco, model }: Compiled, kind: ObjectKind, id: number): string {
  return mujoco.mj_id2name(model, mujoco.mjtObj[`mjOBJ_${kind}`].value, id) ?? '';
}

/** An array's element, for indices that the engine itself vouches for. */
export function at(array: ArrayLike<number>, index: number): number {
  const value = array[index];
  if (value === undefined)
    throw new RangeError(`index ${index} is beyond the ${array.length} elements of an engine array`);
  return value;
}
