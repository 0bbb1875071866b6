import { at } from './engine.ts';
import { placeTriangles } from './picture/drawn-geoms.ts';
import { square, TRIANGLE_FLOATS } from './picture/tessellate.ts';
import type { SceneModel } from './engine.ts';
import type { DrawnGeom } from './picture/drawn-geoms.ts';

/** A body and what is seen of it, in the body's own frame, metres. */
export interface Part {
  body: number;
  /** The body's name; `world` for what belongs to no body. */
  name: string;
  /** Whether it stays where it is. */
  fixed: boolean;
  geoms: { rgba: DrawnGeom['rgba']; triangles: Float32Array }[];
}

const STL_HEADER_BYTES = 84;
const STL_FACE_BYTES = 50;
const MM_PER_M = 1000;

/** The parts of a scene, in document order. */
export function collectParts(model: SceneModel, geoms: DrawnGeom[]): Part[] {
  const parts = new Map<number, Part>();
  for (const geom of geoms) {
    const part = parts.get(geom.body) ?? { body: geom.body, name: geom.bodyName, fixed: geom.fixed, geoms: [] };
    const { triangles } = geom.kind === 'plane' ? square() : geom;
    const position = model.geom_pos.subarray(3 * geom.index, 3 * geom.index + 3);
    const rotation = rotationOf(model.geom_quat.subarray(4 * geom.index, 4 * geom.index + 4));
    part.geoms.push({ rgba: geom.rgba, triangles: placeTriangles(triangles, position, rotation) });
    parts.set(geom.body, part);
  }
  return [...parts.values()];
}

/** A part as binary STL in its body's frame, in millimetres. */
export function encodeStl({ name, geoms }: Part): Uint8Array {
  const faces = geoms.reduce((sum, { triangles }) => sum + triangles.length / TRIANGLE_FLOATS, 0);
  const file = Buffer.alloc(STL_HEADER_BYTES + STL_FACE_BYTES * faces);
  // Not "solid", by which readers know a text STL.
  file.write(`part ${name.replace(/[^\x20-\x7e]/g, '_')}, millimetres`, 0, 80, 'latin1');
  file.writeUInt32LE(faces, 80);
  let to = STL_HEADER_BYTES;
  for (const { triangles } of geoms)
    for (let from = 0; from < triangles.length; from += TRIANGLE_FLOATS, to += STL_FACE_BYTES) {
      for (let axis = 0; axis < 3; axis++) {
        const normal =
          at(triangles, from + 3 + axis) + at(triangles, from + 9 + axis) + at(triangles, from + 15 + axis);
        file.writeFloatLE(normal / 3, to + 4 * axis);
        for (let corner = 0; corner < 3; corner++)
          file.writeFloatLE(at(triangles, from + 6 * corner + axis) * MM_PER_M, to + 12 * (corner + 1) + 4 * axis);
      }
    }
  return file;
}

/** A file name for each part, without its extension: safe characters only, and no two alike. */
export function partFileNames(parts: Part[]): string[] {
  const taken = new Set<string>();
  return parts.map(({ body, name }) => {
    const plain = name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 80);
    const unique = taken.has(plain.toLowerCase()) ? `${plain}_${body}` : plain;
    taken.add(unique.toLowerCase());
    return unique;
  });
}

function rotationOf(quaternion: ArrayLike<number>): number[] {
  const [w, x, y, z] = [at(quaternion, 0), at(quaternion, 1), at(quaternion, 2), at(quaternion, 3)];
  return [
    1 - 2 * (y * y + z * z),
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    1 - 2 * (x * x + y * y),
  ];
}
