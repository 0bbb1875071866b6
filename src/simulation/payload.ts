import { AppError } from '../errors.ts';
import { at, idOf, nameOf } from './engine.ts';
import type { Benchmark, Vector3 } from '../schemas/simulation.ts';
import type { Compiled, SceneState } from './engine.ts';

/** The payload in a compiled scene: its body, its sphere, and where its free joint lies in qpos and qvel. */
export interface ScenePayload {
  body: number;
  geom: number;
  qposAt: number;
  dofAt: number;
  radius_m: number;
  /** The sphere's centre in the body's frame, metres. */
  centre: Vector3;
  mass_kg: number;
}

/** Metres by which a radius may miss the benchmark's range: MJCF numbers are written in decimal. */
const RADIUS_TOLERANCE_M = 1e-6;
/** Beyond this share of the radius from the sphere's centre, the centre of mass makes the payload a pendulum of its own. */
const OFF_CENTRE_SHARE_MAX = 0.05;
/** Of a lesson to the agent, this many names are quoted. */
const NAMES_SHOWN_MAX = 20;

/** Finds the payload. Throws `invalid_argument` for a scene without one. */
export function findPayload(scene: Compiled, { name, radius_m }: Benchmark['payload']): ScenePayload {
  const { mujoco, model } = scene;
  const body = idOf(scene, 'BODY', name);
  if (body < 0) {
    const names = Array.from({ length: model.nbody - 1 }, (_, index) => nameOf(scene, 'BODY', index + 1));
    throw unusable(
      `it has no body named "${name}". Add <body name="${name}"><freejoint name="${name}_joint"/><geom type="sphere" …/></body> to the worldbody. Bodies: ${quoted(names)}`,
    );
  }
  const joint = at(model.body_jntadr, body);
  const free = mujoco.mjtJoint.mjJNT_FREE.value;
  if (at(model.body_jntnum, body) !== 1 || at(model.jnt_type, joint) !== free)
    throw unusable(`the body "${name}" must have one joint, a <freejoint/>, and be a child of the worldbody`);
  const geom = spheresOf(scene, body)[0];
  if (geom === undefined) throw unusable(`the body "${name}" must have one sphere geom that collides`);
  const radius = at(model.geom_size, 3 * geom);
  if (radius < radius_m.min - RADIUS_TOLERANCE_M || radius > radius_m.max + RADIUS_TOLERANCE_M)
    throw unusable(
      `the sphere of "${name}" has a radius of ${mm(radius)} mm; the benchmark's is ${mm(radius_m.min)} to ${mm(radius_m.max)} mm`,
    );
  const [x, y, z] = [0, 1, 2].map((axis) => at(model.geom_pos, 3 * geom + axis)) as Vector3;
  return {
    body,
    geom,
    qposAt: at(model.jnt_qposadr, joint),
    dofAt: at(model.jnt_dofadr, joint),
    radius_m: radius,
    centre: [x, y, z],
    mass_kg: at(model.body_subtreemass, body),
  };
}

/** The body's only colliding geom, if that is a sphere. */
function spheresOf({ mujoco, model }: Compiled, body: number): number[] {
  const colliding = geomsOf({ mujoco, model }, body).filter(
    (geom) => at(model.geom_contype, geom) !== 0 || at(model.geom_conaffinity, geom) !== 0,
  );
  return colliding.length === 1 && at(model.geom_type, colliding[0] ?? -1) === mujoco.mjtGeom.mjGEOM_SPHERE.value
    ? colliding
    : [];
}

function geomsOf({ model }: Compiled, body: number): number[] {
  const first = at(model.body_geomadr, body);
  return Array.from({ length: at(model.body_geomnum, body) }, (_, index) => first + index);
}

/**
 * Whether the payload is what the benchmark means: one rigid, balanced sphere, which only gravity and touch can move. Throws
 * `invalid_argument` that names the element that makes it more. What acts on it from outside is seen while it moves.
 */
export function checkPayload(scene: Compiled, payload: ScenePayload, { payload: { name }, allowed }: Benchmark): void {
  const { mujoco, model } = scene;
  for (let body = 1; body < model.nbody; body++) {
    if (at(model.body_rootid, body) !== payload.body) continue;
    const what = `"${nameOf(scene, 'BODY', body) || `body ${body}`}"`;
    if (at(model.body_gravcomp, body) !== 0) throw driven(`${what}, a part of the payload, may not have gravcomp`);
    if (body === payload.body) continue;
    if (at(model.body_jntnum, body) !== 0)
      throw driven(`${what} is a part of the payload and moves within it; the payload has to be one rigid body`);
    if (geomsOf(scene, body).some((geom) => at(model.geom_contype, geom) + at(model.geom_conaffinity, geom) !== 0))
      throw driven(`${what} collides and is a part of the payload, which must have one sphere geom that collides`);
  }
  for (let pair = 0; pair < model.npair; pair++)
    for (const geom of [at(model.pair_geom1, pair), at(model.pair_geom2, pair)])
      if (geom !== payload.geom && at(model.body_rootid, at(model.geom_bodyid, geom)) === payload.body)
        throw driven(
          `a <pair> makes ${geomName(scene, geom)} of the payload collide, which must have one sphere geom that collides`,
        );
  if (model.dof_armature.subarray(payload.dofAt, payload.dofAt + 6).some((value) => value !== 0))
    throw driven(`the free joint of "${name}" may not have armature, on which gravity does not pull`);
  const runs = model.geom_surfacevel.subarray(6 * payload.geom, 6 * payload.geom + 6).some((value) => value !== 0);
  if (runs) throw driven(`${geomName(scene, payload.geom)} of "${name}" may not have a surfacevel`);
  if (allowed?.includes('moving_surfaces') !== true) checkSurfaces(scene);
  if (geomsOf(scene, payload.body).some((geom) => at(model.geom_fluid, GEOM_FLUID_SIZE * geom) > 0))
    throw driven(`"${name}" may not have a fluidshape of its own: the medium acts on it as the benchmark says`);
  using state: SceneState = new mujoco.MjData(model);
  mujoco.mj_kinematics(model, state);
  mujoco.mj_comPos(model, state);
  const away = Math.hypot(
    ...[0, 1, 2].map(
      (axis) => at(state.subtree_com, 3 * payload.body + axis) - at(state.geom_xpos, 3 * payload.geom + axis),
    ),
  );
  if (away > OFF_CENTRE_SHARE_MAX * payload.radius_m)
    throw driven(
      `the centre of mass of "${name}" lies ${mm(away)} mm from the centre of its sphere; at most ${mm(OFF_CENTRE_SHARE_MAX * payload.radius_m)} mm`,
    );
}

/** Numbers that a geom has in `geom_fluid`. */
const GEOM_FLUID_SIZE = 12;

/** A surface that runs drives what lies on it, without anything that is seen to move. */
function checkSurfaces(scene: Compiled): void {
  const { model } = scene;
  for (let geom = 0; geom < model.ngeom; geom++)
    if (model.geom_surfacevel.subarray(6 * geom, 6 * geom + 6).some((value) => value !== 0))
      throw driven(
        `${geomName(scene, geom)} has a surfacevel, which drives what lies on it without a motor; the benchmark does not allow moving_surfaces`,
      );
}

/** A geom in words: by its name, else by its body and number. */
export function geomName(scene: Compiled, geom: number): string {
  const name = nameOf(scene, 'GEOM', geom);
  if (name !== '') return `the geom "${name}"`;
  const body = at(scene.model.geom_bodyid, geom);
  return `geom ${geom} of ${body === 0 ? 'the world' : `"${nameOf(scene, 'BODY', body) || `body ${body}`}"`}`;
}

/** A refusal that says what in the scene cannot be. */
function unusable(what: string): AppError {
  return new AppError('invalid_argument', `The scene cannot be simulated: ${what}.`);
}

const driven = (what: string) => unusable(`PAYLOAD_DRIVEN: ${what}`);

/** Names in quotes, the first twenty of them. */
export function quoted(names: string[]): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX).map((name) => `"${name}"`);
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  return shown.length === 0 ? 'none' : shown.join(', ') + more;
}

const mm = (metres: number) => Number((metres * 1000).toFixed(3));
