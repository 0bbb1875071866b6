import { AppError } from '../../errors.ts';
import { at, nameOf } from '../engine.ts';
import { SCENE_LIMITS } from '../limits.ts';
import { findEdges } from './edges.ts';
import { box, cylinder, ellipsoid, heightField, mesh, plane, TRIANGLE_FLOATS } from './tessellate.ts';
import type { Compiled, Mujoco, SceneModel, SceneState } from '../engine.ts';
import type { Surface } from './tessellate.ts';

/** A geom that is seen: its surface in its own frame, and its colour (red, green, blue, alpha from 0 to 1). */
export interface DrawnGeom extends Surface {
  index: number;
  kind: 'plane' | 'box' | 'curved' | 'faceted';
  body: number;
  bodyName: string;
  /** Whether its body cannot move. */
  fixed: boolean;
  rgba: [number, number, number, number];
  /** Its creases and rims as lines, six floats each, in its own frame. */
  edges: Float32Array;
}

/** Poses of all geoms at one time: positions (3 a geom, metres) and row-major rotations (9 a geom). */
export interface Poses {
  positions: Float64Array;
  rotations: Float64Array;
}

/** MuJoCo's viewers do not show groups from 3 on: the habit for collision-only geoms. */
const GROUP_HIDDEN_MIN = 3;

/** The geoms of a scene that are seen, in document order. Throws `resource_exhausted` when they have too many triangles. */
export function collectDrawnGeoms({ mujoco, model }: Compiled): DrawnGeom[] {
  const geoms: DrawnGeom[] = [];
  let triangles = 0;
  for (let index = 0; index < model.ngeom; index++) {
    if (!isDrawn(model, index)) continue;
    const rgba = colorOf(model, index);
    const body = at(model.geom_bodyid, index);
    const shape = surfaceOf(mujoco, model, index);
    // A height field of one row has no surface.
    if (shape.triangles.length === 0) continue;
    if (shape.kind !== 'plane') triangles += shape.triangles.length / TRIANGLE_FLOATS;
    if (triangles > SCENE_LIMITS.TRIANGLES_MAX)
      throw new AppError(
        'resource_exhausted',
        `The scene has more than ${SCENE_LIMITS.TRIANGLES_MAX} triangles to draw; simplify its meshes.`,
      );
    const edges = shape.kind === 'plane' ? new Float32Array() : findEdges(shape.triangles);
    const bodyName = body === 0 ? 'world' : nameOf({ model }, 'BODY', body) || `body_${body}`;
    geoms.push({ index, body, bodyName, fixed: at(model.body_weldid, body) === 0, rgba, edges, ...shape });
  }
  return geoms;
}

/** The poses that a trajectory's row of positions stands for, computed in `state`. */
export function posesAt({ mujoco, model }: Compiled, state: SceneState, qpos: Float64Array): Poses {
  state.qpos.set(qpos);
  mujoco.mj_kinematics(model, state);
  return { positions: state.geom_xpos.slice(), rotations: state.geom_xmat.slice() };
}

/** A geom's triangles in the world, at the given poses. */
export function placeGeom({ index, triangles }: DrawnGeom, { positions, rotations }: Poses): Float32Array {
  return placeTriangles(
    triangles,
    positions.subarray(3 * index, 3 * index + 3),
    rotations.subarray(9 * index, 9 * index + 9),
  );
}

/** Triangles moved by a rotation (row-major) and then a translation; normals turn with them. */
export function placeTriangles(
  triangles: Float32Array,
  position: ArrayLike<number>,
  rotation: ArrayLike<number>,
): Float32Array {
  const [px, py, pz] = [at(position, 0), at(position, 1), at(position, 2)];
  const [r0, r1, r2] = [at(rotation, 0), at(rotation, 1), at(rotation, 2)];
  const [r3, r4, r5] = [at(rotation, 3), at(rotation, 4), at(rotation, 5)];
  const [r6, r7, r8] = [at(rotation, 6), at(rotation, 7), at(rotation, 8)];
  const world = new Float32Array(triangles.length);
  for (let from = 0; from < triangles.length; from += 6) {
    const x = triangles[from] as number;
    const y = triangles[from + 1] as number;
    const z = triangles[from + 2] as number;
    const nx = triangles[from + 3] as number;
    const ny = triangles[from + 4] as number;
    const nz = triangles[from + 5] as number;
    world[from] = r0 * x + r1 * y + r2 * z + px;
    world[from + 1] = r3 * x + r4 * y + r5 * z + py;
    world[from + 2] = r6 * x + r7 * y + r8 * z + pz;
    world[from + 3] = r0 * nx + r1 * ny + r2 * nz;
    world[from + 4] = r3 * nx + r4 * ny + r5 * nz;
    world[from + 5] = r6 * nx + r7 * ny + r8 * nz;
  }
  return world;
}

/** Whether a geom is seen: of some colour, and in a group that viewers show. */
export function isDrawn(model: SceneModel, geom: number): boolean {
  return at(model.geom_group, geom) < GROUP_HIDDEN_MIN && colorOf(model, geom)[3] > 0;
}

/** A material's colour counts where the geom has none of its own. */
function colorOf(model: SceneModel, geom: number): DrawnGeom['rgba'] {
  const own = [...model.geom_rgba.subarray(4 * geom, 4 * geom + 4)];
  const material = at(model.geom_matid, geom);
  const isDefault = own.every((value, channel) => value === (channel < 3 ? 0.5 : 1));
  const rgba = material >= 0 && isDefault ? [...model.mat_rgba.subarray(4 * material, 4 * material + 4)] : own;
  return [at(rgba, 0), at(rgba, 1), at(rgba, 2), at(rgba, 3)];
}

/** A geom's surface in its own frame. */
export function surfaceOf(mujoco: Mujoco, model: SceneModel, geom: number): Surface & { kind: DrawnGeom['kind'] } {
  const types = mujoco.mjtGeom;
  const [a, b, c] = [0, 1, 2].map((axis) => at(model.geom_size, 3 * geom + axis)) as [number, number, number];
  const source = at(model.geom_dataid, geom);
  switch (at(model.geom_type, geom)) {
    case types.mjGEOM_PLANE.value:
      return { kind: 'plane', ...plane() };
    case types.mjGEOM_SPHERE.value:
      return { kind: 'curved', ...ellipsoid([a, a, a]) };
    case types.mjGEOM_CAPSULE.value:
      return { kind: 'curved', ...ellipsoid([a, a, a], b) };
    case types.mjGEOM_ELLIPSOID.value:
      return { kind: 'curved', ...ellipsoid([a, b, c]) };
    case types.mjGEOM_CYLINDER.value:
      return { kind: 'curved', ...cylinder(a, b) };
    case types.mjGEOM_BOX.value:
      return { kind: 'box', ...box(a, b, c) };
    case types.mjGEOM_HFIELD.value:
      return { kind: 'faceted', ...heightField(readHeightField(model, source)) };
    default:
      // Meshes, and signed distance fields, which carry a mesh to be drawn by.
      return source >= 0
        ? { kind: 'faceted', ...mesh(readMesh(model, source)) }
        : { kind: 'box', ...boundingBox(model, geom) };
  }
}

/** Copies: MuJoCo has moved the vertices into the mesh's inertial frame, and the geom's pose makes up for it. */
function readMesh(model: SceneModel, id: number): { vertices: Float32Array; faces: Int32Array } {
  const [vertex, face] = [at(model.mesh_vertadr, id), at(model.mesh_faceadr, id)];
  return {
    vertices: model.mesh_vert.slice(3 * vertex, 3 * (vertex + at(model.mesh_vertnum, id))),
    faces: model.mesh_face.slice(3 * face, 3 * (face + at(model.mesh_facenum, id))),
  };
}

function readHeightField(model: SceneModel, id: number): Parameters<typeof heightField>[0] {
  const [rows, columns, from] = [at(model.hfield_nrow, id), at(model.hfield_ncol, id), at(model.hfield_adr, id)];
  const [x, y, top] = [0, 1, 2].map((index) => at(model.hfield_size, 4 * id + index)) as [number, number, number];
  return { rows, columns, heights: model.hfield_data.slice(from, from + rows * columns), extent: { x, y, top } };
}

function boundingBox(model: SceneModel, geom: number): Surface {
  const [x, y, z, a, b, c] = model.geom_aabb.slice(6 * geom, 6 * geom + 6) as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { triangles: placeTriangles(box(a, b, c).triangles, [x, y, z], [1, 0, 0, 0, 1, 0, 0, 0, 1]) };
}
