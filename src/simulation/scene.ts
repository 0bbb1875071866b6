import { AppError } from '../errors.ts';
import { at, idOf, nameOf, TIMESTEP_S } from './engine.ts';
import { SCENE_LIMITS } from './limits.ts';
import { readSchedules } from './servo-schedule.ts';
import type { Payload } from '../schemas/simulation.ts';
import type { Compiled, Mujoco, SceneModel } from './engine.ts';
import type { Schedule } from './servo-schedule.ts';

/** What an agent hands in: MJCF text, and the files it names (meshes, includes) by the path it names them by. */
export interface SceneFiles {
  xml: string;
  files: Map<string, Uint8Array>;
}

/** A compiled scene, ready to be stepped by our rules. Disposing of it frees the model's WASM memory. */
export interface Scene extends Compiled, Disposable {
  /** The payload: its body's id, where its free joint lies in qpos and qvel, and its sphere's radius in metres. */
  payload: { body: number; qposAt: number; dofAt: number; radius_m: number };
  schedules: Schedule[];
}

/** Of a lesson to the agent, this many names are quoted. */
const NAMES_SHOWN_MAX = 20;
const GRAVITY = [0, 0, -9.81];
/** Metres by which a radius may miss the benchmark's range: MJCF numbers are written in decimal. */
const RADIUS_TOLERANCE_M = 1e-6;

/**
 * Compiles a scene and takes from it what it may not decide: time step, integrator, gravity, medium, disabled physics. Throws
 * `invalid_argument` for a scene that cannot be run and `resource_exhausted` for one that is too large; both say what to mend.
 */
export function openScene(mujoco: Mujoco, source: SceneFiles, payload: Payload): Scene {
  checkSizes(source);
  const model = compile(mujoco, source);
  try {
    checkModel(model);
    enforcePhysics(mujoco, model);
    return {
      mujoco,
      model,
      payload: findPayload({ mujoco, model }, payload),
      schedules: readSchedules({ mujoco, model }),
      [Symbol.dispose]: () => model.delete(),
    };
  } catch (error) {
    model.delete();
    throw error;
  }
}

function checkSizes({ xml, files }: SceneFiles): void {
  atMost('bytes of MJCF', Buffer.byteLength(xml), SCENE_LIMITS.XML_BYTES_MAX);
  atMost('files', files.size, SCENE_LIMITS.FILES_MAX);
  atMost(
    'bytes of files',
    [...files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0),
    SCENE_LIMITS.FILES_BYTES_MAX,
  );
}

function checkModel(model: SceneModel): void {
  atMost('bodies', model.nbody, SCENE_LIMITS.BODIES_MAX);
  atMost('geoms', model.ngeom, SCENE_LIMITS.GEOMS_MAX);
  atMost('degrees of freedom', model.nv, SCENE_LIMITS.DOFS_MAX);
  atMost('actuators', model.nu, SCENE_LIMITS.ACTUATORS_MAX);
  atMost('bytes of <size memory>', model.narena, SCENE_LIMITS.ARENA_BYTES_MAX);
}

function atMost(what: string, found: number, limit: number): void {
  if (found <= limit) return;
  throw new AppError('resource_exhausted', `The scene has ${found} ${what}; at most ${limit} can be simulated.`);
}

/** The host's files are out of reach: the WASM build sees only what this virtual file system holds. */
function compile(mujoco: Mujoco, { xml, files }: SceneFiles): SceneModel {
  const virtual = new mujoco.MjVFS();
  try {
    for (const [name, bytes] of files) virtual.addBuffer(name, bytes);
    return mujoco.MjModel.from_xml_string(xml, virtual);
  } catch (error) {
    throw new AppError('invalid_argument', compileMessage(error, [...files.keys()]), { cause: error });
  } finally {
    virtual.delete();
  }
}

function compileMessage(error: unknown, names: string[]): string {
  const message = (error instanceof Error ? error.message : String(error))
    .replace(/^MuJoCo Error:\s*/, '')
    .replace(/^Loading error:\s*/, '')
    .replace(/^Error:\s*/, '')
    .replace(/\s+/g, ' ')
    .trim();
  const missing = /opening file|not found/i.test(message);
  const given = missing ? ` Files given with the scene: ${quoted(names)}.` : '';
  if (/allocate memory|bad_alloc/i.test(message))
    return `The scene cannot be compiled: it needs more memory than a simulation has (${message}).`;
  return `The scene cannot be compiled: ${message}.${given}`.replace('..', '.');
}

function enforcePhysics(mujoco: Mujoco, model: SceneModel): void {
  // `opt` is a view of the model's own memory: not ours to delete.
  const { opt } = model;
  opt.timestep = TIMESTEP_S;
  opt.integrator = mujoco.mjtIntegrator.mjINT_RK4.value;
  // A scene may switch off neither gravity nor contacts. With autoreset, a diverged scene would silently restart at time 0.
  opt.disableflags = mujoco.mjtDisableBit.mjDSBL_AUTORESET.value;
  opt.disableactuator = 0;
  // Sleeping bodies are not stepped by RK4.
  opt.enableflags &= ~mujoco.mjtEnableBit.mjENBL_SLEEP.value;
  opt.density = 0;
  opt.viscosity = 0;
  opt.gravity.set(GRAVITY);
  opt.wind.fill(0);
}

function findPayload(scene: Compiled, { name, radius_m }: Payload): Scene['payload'] {
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
  const radius = payloadRadius(scene, body);
  if (radius === undefined) throw unusable(`the body "${name}" must have one sphere geom that collides`);
  if (radius < radius_m.min - RADIUS_TOLERANCE_M || radius > radius_m.max + RADIUS_TOLERANCE_M)
    throw unusable(
      `the sphere of "${name}" has a radius of ${mm(radius)} mm; the benchmark's is ${mm(radius_m.min)} to ${mm(radius_m.max)} mm`,
    );
  if (at(model.body_gravcomp, body) !== 0) throw unusable(`the body "${name}" may not have gravcomp`);
  if (isDriven(scene, body, joint))
    throw unusable(
      `no actuator and no equality constraint may act on "${name}": the mechanism has to move it by contact`,
    );
  return { body, qposAt: at(model.jnt_qposadr, joint), dofAt: at(model.jnt_dofadr, joint), radius_m: radius };
}

/** The radius of the body's only colliding geom, if that is a sphere. */
function payloadRadius({ mujoco, model }: Compiled, body: number): number | undefined {
  const first = at(model.body_geomadr, body);
  const colliding = Array.from({ length: at(model.body_geomnum, body) }, (_, index) => first + index).filter(
    (geom) => at(model.geom_contype, geom) !== 0 || at(model.geom_conaffinity, geom) !== 0,
  );
  const [geom] = colliding;
  if (geom === undefined || colliding.length !== 1) return undefined;
  return at(model.geom_type, geom) === mujoco.mjtGeom.mjGEOM_SPHERE.value ? at(model.geom_size, 3 * geom) : undefined;
}

/** Whether an actuator (at its joint, body or site) or an equality constraint (at its body) acts on the body. */
function isDriven({ mujoco, model }: Compiled, body: number, joint: number): boolean {
  const { mjTRN_JOINT, mjTRN_JOINTINPARENT, mjTRN_SITE, mjTRN_BODY } = mujoco.mjtTrn;
  for (let actuator = 0; actuator < model.nu; actuator++) {
    const type = at(model.actuator_trntype, actuator);
    const target = at(model.actuator_trnid, 2 * actuator);
    if ((type === mjTRN_JOINT.value || type === mjTRN_JOINTINPARENT.value) && target === joint) return true;
    if (type === mjTRN_BODY.value && target === body) return true;
    if (type === mjTRN_SITE.value && at(model.site_bodyid, target) === body) return true;
  }
  const { mjOBJ_BODY, mjOBJ_SITE } = mujoco.mjtObj;
  for (let constraint = 0; constraint < model.neq; constraint++) {
    const type = at(model.eq_objtype, constraint);
    const ends = [at(model.eq_obj1id, constraint), at(model.eq_obj2id, constraint)];
    if (type === mjOBJ_BODY.value && ends.includes(body)) return true;
    if (type === mjOBJ_SITE.value && ends.some((site) => site >= 0 && at(model.site_bodyid, site) === body))
      return true;
  }
  return false;
}

function unusable(what: string): AppError {
  return new AppError('invalid_argument', `The scene cannot be simulated: ${what}.`);
}

function quoted(names: string[]): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX).map((name) => `"${name}"`);
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  return shown.length === 0 ? 'none' : shown.join(', ') + more;
}

const mm = (metres: number) => Number((metres * 1000).toFixed(3));
