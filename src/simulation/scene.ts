import { AppError } from '../errors.ts';
import { createCover } from './cover.ts';
import { SCENE_LIMITS } from './limits.ts';
import { checkPayload, findPayload, quoted } from './payload.ts';
import { choosePhysics, enforcePhysics } from './physics.ts';
import { readSchedules } from './servo-schedule.ts';
import type { Benchmark, Physics } from '../schemas/simulation.ts';
import type { Cover } from './cover.ts';
import type { Compiled, Mujoco, SceneModel } from './engine.ts';
import type { ScenePayload } from './payload.ts';
import type { Schedule } from './servo-schedule.ts';

/** What an agent hands in: MJCF text, and the files it names (meshes, includes) by the path it names them by. */
export interface SceneFiles {
  xml: string;
  files: Map<string, Uint8Array>;
}

/** A compiled scene, ready to be stepped by our rules. Disposing of it frees the model's WASM memory. */
export interface Scene extends Compiled, Disposable {
  payload: ScenePayload;
  physics: Physics;
  schedules: Schedule[];
  /** What is seen where hidden geoms are touched. All trials share it: its answers do not depend on what was asked before. */
  cover: Cover;
}

/** How a scene is to be opened: judged by what, and where it was simulated before, stepped and judged as then. */
export interface OpenOptions {
  benchmark: Benchmark;
  physics?: Physics | undefined;
}

/**
 * Compiles a scene and takes from it what it may not decide: gravity, medium, disabled physics, and what the payload is. Throws
 * `invalid_argument` for a scene that cannot be run and `resource_exhausted` for one that is too large; both say what to mend.
 */
export function openScene(mujoco: Mujoco, source: SceneFiles, { benchmark, physics: recorded }: OpenOptions): Scene {
  checkSizes(source);
  const model = compile(mujoco, source);
  try {
    checkModel(model);
    const physics = recorded ?? choosePhysics({ mujoco, model }, namesIntegrator(source));
    enforcePhysics({ mujoco, model }, physics, benchmark.fluid);
    const payload = findPayload({ mujoco, model }, benchmark.payload);
    if (physics.rules > 1) checkPayload({ mujoco, model }, payload, benchmark);
    return {
      mujoco,
      model,
      payload,
      physics,
      schedules: readSchedules({ mujoco, model }),
      cover: createCover({ mujoco, model }, payload),
      [Symbol.dispose]: () => model.delete(),
    };
  } catch (error) {
    model.delete();
    throw error;
  }
}

/** Whether a scene says how it wants to be stepped; the compiled model cannot tell a choice from a default. */
function namesIntegrator({ xml, files }: SceneFiles): boolean {
  const others = [...files].filter(([name]) => /\.(xml|mjcf)$/i.test(name));
  const texts = [xml, ...others.map(([, bytes]) => Buffer.from(bytes).toString('utf8'))];
  return texts.some((text) => /<option\s[^>]*\bintegrator\s*=/.test(text.replace(/<!--[\s\S]*?-->/g, '')));
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
