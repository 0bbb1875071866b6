import loadMujoco from '@mujoco/mujoco';
import type { MainModule, MjData, MjModel, MjOption } from '@mujoco/mujoco';

/** MuJoCo's WebAssembly module. */
export type Mujoco = MainModule;

/** A compiled model with the arrays that we read typed: they are views into WASM memory, so slice what must last. */
export interface SceneModel extends MjModel {
  opt: Omit<MjOption, 'gravity' | 'wind'> & { readonly gravity: Float64Array; readonly wind: Float64Array };
  /** Zero-terminated UTF-8, by the addresses that follow. */
  readonly names: Uint8Array;
  readonly name_bodyadr: Int32Array;
  readonly name_jntadr: Int32Array;
  readonly name_geomadr: Int32Array;
  readonly name_numericadr: Int32Array;
  readonly name_actuatoradr: Int32Array;
  readonly name_tendonadr: Int32Array;
  readonly name_eqadr: Int32Array;
  readonly name_flexadr: Int32Array;
  readonly body_parentid: Int32Array;
  readonly body_weldid: Int32Array;
  readonly body_jntnum: Int32Array;
  readonly body_jntadr: Int32Array;
  readonly body_geomadr: Int32Array;
  readonly body_geomnum: Int32Array;
  readonly body_gravcomp: Float64Array;
  readonly body_rootid: Int32Array;
  readonly body_subtreemass: Float64Array;
  readonly body_treeid: Int32Array;
  readonly jnt_type: Int32Array;
  readonly jnt_qposadr: Int32Array;
  readonly jnt_dofadr: Int32Array;
  readonly jnt_bodyid: Int32Array;
  readonly jnt_stiffness: Float64Array;
  readonly dof_armature: Float64Array;
  readonly dof_damping: Float64Array;
  readonly dof_jntid: Int32Array;
  readonly dof_M0: Float64Array;
  readonly dof_frictionloss: Float64Array;
  readonly tendon_treenum: Int32Array;
  readonly tendon_treeid: Int32Array;
  readonly pair_geom1: Int32Array;
  readonly pair_geom2: Int32Array;
  readonly pair_margin: Float64Array;
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
  readonly geom_rbound: Float64Array;
  readonly geom_margin: Float64Array;
  readonly geom_fluid: Float64Array;
  readonly geom_surfacevel: Float64Array;
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
  readonly actuator_outadr: Int32Array;
  readonly actuator_outnum: Int32Array;
  readonly flex_margin: Float64Array;
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
  readonly xmat: Float64Array;
  readonly subtree_com: Float64Array;
  readonly qfrc_passive: Float64Array;
  readonly qfrc_spring: Float64Array;
  readonly qfrc_damper: Float64Array;
  readonly qfrc_gravcomp: Float64Array;
  readonly qfrc_fluid: Float64Array;
  readonly qfrc_adhesion: Float64Array;
  readonly qfrc_actuator: Float64Array;
  readonly qfrc_constraint: Float64Array;
  readonly actuator_force: Float64Array;
  readonly actuator_moment: Float64Array;
  readonly moment_rownnz: Int32Array;
  readonly moment_rowadr: Int32Array;
  readonly moment_colind: Int32Array;
  readonly efc_J: Float64Array;
  readonly efc_J_rownnz: Int32Array;
  readonly efc_J_rowadr: Int32Array;
  readonly efc_J_colind: Int32Array;
  readonly efc_force: Float64Array;
  readonly efc_pos: Float64Array;
  readonly efc_type: Int32Array;
  readonly efc_id: Int32Array;
}

/** The engine, with a memory of its own. What it prints is dropped: every error also comes as an exception. */
export function loadEngine(): Promise<Mujoco> {
  const drop = () => {};
  return loadMujoco({ print: drop, printErr: drop });
}

type ObjectKind = 'BODY' | 'JOINT' | 'GEOM' | 'NUMERIC' | 'ACTUATOR' | 'TENDON' | 'EQUALITY' | 'FLEX';

/** The id of a named object, -1 when there is none. Ids, because `model.body(name)` and its like are handles that need `delete()`. */
export function idOf({ mujoco, model }: Compiled, kind: ObjectKind, name: string): number {
  return mujoco.mj_name2id(model, mujoco.mjtObj[`mjOBJ_${kind}`].value, name);
}

/** The name of an object; empty when it has none. Not `mj_id2name`, whose answer for an object without a name is the text "emsc". */
export function nameOf({ model }: Pick<Compiled, 'model'>, kind: ObjectKind, id: number): string {
  const { names } = model;
  const from = at(model[NAME_ADDRESSES[kind]], id);
  return Buffer.from(names.subarray(from, names.indexOf(0, from))).toString('utf8');
}

const NAME_ADDRESSES = {
  BODY: 'name_bodyadr',
  JOINT: 'name_jntadr',
  GEOM: 'name_geomadr',
  NUMERIC: 'name_numericadr',
  ACTUATOR: 'name_actuatoradr',
  TENDON: 'name_tendonadr',
  EQUALITY: 'name_eqadr',
  FLEX: 'name_flexadr',
} as const satisfies Record<ObjectKind, keyof SceneModel>;

/** An array's element, for indices that the engine itself vouches for. */
export function at(array: ArrayLike<number>, index: number): number {
  const value = array[index];
  if (value === undefined)
    throw new RangeError(`index ${index} is beyond the ${array.length} elements of an engine array`);
  return value;
}
