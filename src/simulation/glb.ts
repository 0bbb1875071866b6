import { box } from './picture/tessellate.ts';
import type { Benchmark, Zone } from '../schemas/simulation.ts';
import type { DrawnGeom } from './picture/drawn-geoms.ts';
import type { Part } from './part-files.ts';

/** Where a part's body is: metres, and a quaternion (w, x, y, z) as MuJoCo writes it. */
export interface BodyPose {
  position: ArrayLike<number>;
  quaternion: ArrayLike<number>;
}

/** A scene to export. `posesOf` gives one pose for a part that stays, else one for each of `times_s`. */
export interface GlbOptions {
  parts: Part[];
  benchmark: Benchmark;
  times_s: number[];
  posesOf: (part: Part) => BodyPose[];
}

const [MAGIC, VERSION, JSON_CHUNK, BINARY_CHUNK] = [0x46546c67, 2, 0x4e4f534a, 0x004e4942];
const [FLOAT, ARRAY_BUFFER] = [5126, 34962];
/** glTF's y is up, MuJoCo's z: a turn by -90° about x. */
const Z_UP = [-Math.SQRT1_2, 0, 0, Math.SQRT1_2];
const ZONE_ALPHA = 0.3;

/**
 * The scene as binary glTF 2.0: a node a part by name, a material a colour, the benchmark's zones as translucent boxes, and the
 * simulated motion as one animation. The same scene gives the same bytes.
 */
export function encodeGlb({ parts, benchmark, times_s, posesOf }: GlbOptions): Uint8Array {
  const document = createDocument();
  const moving: Moving[] = [];
  for (const part of parts) {
    const poses = posesOf(part);
    const [first] = poses;
    if (first === undefined) continue;
    const placed = { translation: Array.from(first.position), rotation: rotationOf(first) };
    const node = document.addNode({ name: part.name, mesh: document.addMesh(part.name, part.geoms), ...placed });
    if (poses.length > 1) moving.push({ node, poses });
  }
  const zones = [
    { name: 'zone_goal', zone: benchmark.goal_zone, rgb: [0, 1, 0] },
    ...Object.entries(benchmark.forbidden_zones).map(([name, zone]) => ({
      name: `zone_forbid_${name}`,
      zone,
      rgb: [1, 0, 0],
    })),
  ];
  for (const { name, zone, rgb } of zones)
    document.addNode({ name, mesh: document.addMesh(name, [zoneGeom(zone, rgb)]), translation: middleOf(zone) });
  if (moving.length > 0) document.addAnimation(times_s, moving);
  return document.encode();
}

type Geoms = Part['geoms'];

function createDocument() {
  const binary = createBinary();
  const [nodes, meshes, materials, animations]: [object[], object[], object[], object[]] = [[], [], [], []];
  const materialOf = new Map<string, number>();

  const addMaterial = ([red, green, blue, alpha]: DrawnGeom['rgba']): number => {
    const key = [red, green, blue, alpha].map((value) => Math.round(value * 255)).join(',');
    const known = materialOf.get(key);
    if (known !== undefined) return known;
    const pbrMetallicRoughness = {
      baseColorFactor: [...[red, green, blue].map(linear), alpha],
      metallicFactor: 0,
      roughnessFactor: 0.7,
    };
    const blending = alpha < 1 ? { alphaMode: 'BLEND', doubleSided: true } : {};
    const index = materials.push({ name: `rgba(${key})`, pbrMetallicRoughness, ...blending }) - 1;
    materialOf.set(key, index);
    return index;
  };

  return {
    addNode: (node: object) => nodes.push(node),
    addMesh(name: string, geoms: Geoms): number {
      const byMaterial = Map.groupBy(geoms, ({ rgba }) => addMaterial(rgba));
      const primitives = [...byMaterial].map(([material, same]) => {
        const [POSITION, NORMAL] = [0, 3].map((offset) =>
          binary.addAccessor(columnsOf(same, offset), 'VEC3', ARRAY_BUFFER),
        );
        return { attributes: { POSITION, NORMAL }, material };
      });
      return meshes.push({ name, primitives }) - 1;
    },
    addAnimation(times_s: number[], moving: Moving[]): void {
      animations.push({ name: 'simulation', ...animate(binary, times_s, moving) });
    },
    encode(): Uint8Array {
      // Node 0 turns all others upright; it comes first, so the indices that addNode gave stay right.
      const root = { name: 'scene', rotation: Z_UP, children: nodes.map((_, index) => index + 1) };
      const { accessors, bufferViews, bytes } = binary.finish();
      const json = {
        asset: { version: '2.0', generator: 'Problemologist Observatory' },
        scene: 0,
        scenes: [{ nodes: [0] }],
        nodes: [root, ...nodes],
        meshes,
        materials,
        accessors,
        bufferViews,
        buffers: [{ byteLength: bytes.length }],
        ...(animations.length > 0 ? { animations } : {}),
      };
      return container(Buffer.from(JSON.stringify(json)), bytes);
    },
  };
}

interface Moving {
  node: number;
  poses: BodyPose[];
}

type Binary = ReturnType<typeof createBinary>;

const WIDTHS = { SCALAR: 1, VEC3: 3, VEC4: 4 };

/** The binary chunk: numbers, and the accessors through which the document reads them. */
function createBinary() {
  const chunks: Uint8Array[] = [];
  const [accessors, bufferViews]: [object[], object[]] = [[], []];
  let length = 0;
  return {
    addAccessor(values: Float32Array, type: keyof typeof WIDTHS, target?: number): number {
      const bufferView = bufferViews.push({
        buffer: 0,
        byteOffset: length,
        byteLength: values.byteLength,
        ...(target === undefined ? {} : { target }),
      });
      chunks.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      length += values.byteLength;
      const width = WIDTHS[type];
      const columns = Array.from({ length: width }, (_, column) => rangeOf(values, column, width));
      const [min, max] = [columns.map(([low]) => low), columns.map(([, high]) => high)];
      const count = values.length / width;
      return accessors.push({ bufferView: bufferView - 1, componentType: FLOAT, count, type, min, max }) - 1;
    },
    finish: () => ({ accessors, bufferViews, bytes: Buffer.concat(chunks) }),
  };
}

function animate(binary: Binary, times_s: number[], moving: Moving[]): { channels: object[]; samplers: object[] } {
  const input = binary.addAccessor(Float32Array.from(times_s), 'SCALAR');
  const [channels, samplers]: [object[], object[]] = [[], []];
  for (const { node, poses } of moving) {
    const positions = Float32Array.from(poses.flatMap(({ position }) => Array.from(position)));
    const rotations = Float32Array.from(poses.flatMap(rotationOf));
    const outputs = {
      translation: binary.addAccessor(positions, 'VEC3'),
      rotation: binary.addAccessor(rotations, 'VEC4'),
    };
    for (const [path, output] of Object.entries(outputs))
      channels.push({ sampler: samplers.push({ input, output, interpolation: 'LINEAR' }) - 1, target: { node, path } });
  }
  return { channels, samplers };
}

function container(json: Buffer, binary: Buffer): Uint8Array {
  const text = Buffer.concat([json, Buffer.alloc(-json.length & 3, ' ')]);
  const data = Buffer.concat([binary, Buffer.alloc(-binary.length & 3)]);
  const header = Buffer.alloc(12);
  [MAGIC, VERSION, 12 + 8 + text.length + 8 + data.length].forEach((value, index) =>
    header.writeUInt32LE(value, 4 * index),
  );
  return Buffer.concat([
    header,
    chunkHeader(text.length, JSON_CHUNK),
    text,
    chunkHeader(data.length, BINARY_CHUNK),
    data,
  ]);
}

function chunkHeader(length: number, type: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(length, 0);
  header.writeUInt32LE(type, 4);
  return header;
}

/** Positions (offset 0) or normals (offset 3) of all triangles. */
function columnsOf(geoms: Geoms, offset: number): Float32Array {
  const out = new Float32Array(geoms.reduce((sum, { triangles }) => sum + triangles.length / 2, 0));
  let to = 0;
  for (const { triangles } of geoms)
    for (let from = offset; from < triangles.length; from += 6, to += 3)
      out.set(triangles.subarray(from, from + 3), to);
  return out;
}

function rangeOf(values: Float32Array, column: number, width: number): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let index = column; index < values.length; index += width) {
    low = Math.min(low, values[index] ?? low);
    high = Math.max(high, values[index] ?? high);
  }
  return [low, high];
}

/** glTF's factors are light; MJCF's colours are what a screen is given (sRGB). */
const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

/** glTF's order is x, y, z, w. */
function rotationOf({ quaternion: q }: BodyPose): number[] {
  return [q[1] ?? 0, q[2] ?? 0, q[3] ?? 0, q[0] ?? 1];
}

function zoneGeom({ min, max }: Zone, rgb: number[]): Geoms[number] {
  const [a, b, c] = [0, 1, 2].map((axis) => ((max[axis] ?? 0) - (min[axis] ?? 0)) / 2) as [number, number, number];
  return { rgba: [rgb[0] ?? 0, rgb[1] ?? 0, rgb[2] ?? 0, ZONE_ALPHA], triangles: box(a, b, c).triangles };
}

const middleOf = ({ min, max }: Zone) => [0, 1, 2].map((axis) => ((min[axis] ?? 0) + (max[axis] ?? 0)) / 2);
