import { TRIANGLE_FLOATS } from './picture/tessellate.ts';

/** What is seen of one rigid body, in one frame. Metres. */
export interface Coat {
  /** Whether a point lies as near to it as the tolerance, to within a cell of a quarter of that. */
  covers(x: number, y: number, z: number): boolean;
}

/** Triangles, six floats a vertex, and planes without end: a point (3 numbers) and a normal (3) each. */
export interface SeenSurface {
  triangles: Float32Array;
  planes: Float64Array;
}

const CELLS_PER_TOLERANCE = 4;
/** Cells along a block, whose triangles are gathered at once. */
const CELLS_PER_BLOCK = 8;
/** Half of a cell's diagonal, in cells. */
const HALF_DIAGONAL = Math.sqrt(3) / 2;
/** Cells from the frame's origin: three such numbers fit into one key. Beyond, nothing is covered. */
const CELLS_MAX = 2 ** 16;
/** Answers kept; then it begins anew. A payload on its way passes a few thousand cells. */
const ANSWERS_MAX = 100_000;

type Point = readonly [number, number, number];

/**
 * A coat. Answers are those for a cell's middle, so that they depend on nothing asked before, and each is worked out once: a
 * payload that rolls over a mesh asks at every step.
 */
export function createCoat({ triangles, planes }: SeenSurface, tolerance: number): Coat {
  const cell = tolerance / CELLS_PER_TOLERANCE;
  const reach = tolerance + HALF_DIAGONAL * cell;
  const answers = new Map<number, boolean>();
  const blocks = new Map<number, number[]>();
  /** The triangles that may reach into a block. */
  const gather = (block: Point): number[] => {
    const key = keyOf(block);
    const known = blocks.get(key);
    if (known !== undefined) return known;
    const size = cell * CELLS_PER_BLOCK;
    const found: number[] = [];
    for (let from = 0; from < triangles.length; from += TRIANGLE_FLOATS)
      if (mayReach(triangles, from, { low: block.map((index) => index * size), size, reach })) found.push(from);
    if (blocks.size >= ANSWERS_MAX) blocks.clear();
    blocks.set(key, found);
    return found;
  };
  const look = (cells: Point): boolean => {
    const middle = cells.map((index) => (index + 0.5) * cell) as unknown as Point;
    for (let from = 0; from < planes.length; from += 6)
      if (Math.abs(dot(minus(middle, pointAt(planes, from)), pointAt(planes, from + 3))) <= reach) return true;
    const block = cells.map((index) => Math.floor(index / CELLS_PER_BLOCK)) as unknown as Point;
    return gather(block).some((from) => {
      const corners = [0, 6, 12].map((offset) => pointAt(triangles, from + offset)) as [Point, Point, Point];
      return distanceToTriangle(middle, corners) <= reach;
    });
  };
  return {
    covers(x, y, z) {
      const [i, j, k] = [Math.floor(x / cell), Math.floor(y / cell), Math.floor(z / cell)];
      // Written so that NaN is covered by nothing.
      if (!(Math.max(Math.abs(i), Math.abs(j), Math.abs(k)) < CELLS_MAX)) return false;
      const key = keyOf([i, j, k]);
      const known = answers.get(key);
      if (known !== undefined) return known;
      const answer = look([i, j, k]);
      if (answers.size >= ANSWERS_MAX) answers.clear();
      answers.set(key, answer);
      return answer;
    },
  };
}

const keyOf = ([i, j, k]: Point) => ((i + CELLS_MAX) * 2 * CELLS_MAX + j + CELLS_MAX) * 2 * CELLS_MAX + k + CELLS_MAX;

const pointAt = (numbers: ArrayLike<number>, from: number): Point => [
  numbers[from] as number,
  numbers[from + 1] as number,
  numbers[from + 2] as number,
];

/** Whether a triangle's bounds come as near to a cube as `reach`. */
function mayReach(
  triangles: Float32Array,
  from: number,
  { low, size, reach }: { low: number[]; size: number; reach: number },
): boolean {
  for (let axis = 0; axis < 3; axis++) {
    const a = triangles[from + axis] as number;
    const b = triangles[from + 6 + axis] as number;
    const c = triangles[from + 12 + axis] as number;
    const start = low[axis] as number;
    if (Math.max(a, b, c) < start - reach || Math.min(a, b, c) > start + size + reach) return false;
  }
  return true;
}

/** As in Ericson, Real-Time Collision Detection, 5.1.5: the region of the triangle that is nearest decides. */
function distanceToTriangle(p: Point, [a, b, c]: [Point, Point, Point]): number {
  const [ab, ac, ap] = [minus(b, a), minus(c, a), minus(p, a)];
  const [d1, d2] = [dot(ab, ap), dot(ac, ap)];
  if (d1 <= 0 && d2 <= 0) return length(ap);
  const bp = minus(p, b);
  const [d3, d4] = [dot(ab, bp), dot(ac, bp)];
  if (d3 >= 0 && d4 <= d3) return length(bp);
  const vc = d1 * d4 - d3 * d2;
  if (vc <= 0 && d1 >= 0 && d3 <= 0) return length(minus(ap, scaled(ab, d1 / (d1 - d3))));
  const cp = minus(p, c);
  const [d5, d6] = [dot(ab, cp), dot(ac, cp)];
  if (d6 >= 0 && d5 <= d6) return length(cp);
  const vb = d5 * d2 - d1 * d6;
  if (vb <= 0 && d2 >= 0 && d6 <= 0) return length(minus(ap, scaled(ac, d2 / (d2 - d6))));
  const va = d3 * d6 - d5 * d4;
  if (va <= 0 && d4 - d3 >= 0 && d5 - d6 >= 0)
    return length(minus(bp, scaled(minus(c, b), (d4 - d3) / (d4 - d3 + d5 - d6))));
  const whole = va + vb + vc;
  return length(minus(minus(ap, scaled(ab, vb / whole)), scaled(ac, vc / whole)));
}

const minus = (a: Point, b: Point): Point => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const scaled = (a: Point, by: number): Point => [a[0] * by, a[1] * by, a[2] * by];
const dot = (a: Point, b: Point) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const length = (a: Point) => Math.hypot(...a);
