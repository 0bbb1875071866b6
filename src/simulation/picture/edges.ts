import { TRIANGLE_FLOATS } from './tessellate.ts';

/** Two faces that meet at more than this (cosine of 35°) have an edge between them that is drawn. */
const CREASE_COSINE = 0.82;
/** Metres that two vertices may be apart and still be the same. */
const WELD_M = 1e-6;

interface Seam {
  points: number[];
  normals: number[][];
}

/** The creases and rims of a surface as lines, six floats each (two points), in the surface's own frame. */
export function findEdges(triangles: Float32Array): Float32Array {
  const seams = new Map<string, Seam>();
  for (let from = 0; from < triangles.length; from += TRIANGLE_FLOATS) {
    const corners = [0, 6, 12].map((offset) => [...triangles.subarray(from + offset, from + offset + 3)]);
    const normal = faceNormal(corners);
    if (normal === undefined) continue;
    for (let side = 0; side < 3; side++) {
      const [a, b] = [corners[side] ?? [], corners[(side + 1) % 3] ?? []];
      const key = [keyOf(a), keyOf(b)].sort().join();
      const seam = seams.get(key) ?? { points: [...a, ...b], normals: [] };
      seam.normals.push(normal);
      seams.set(key, seam);
    }
  }
  const drawn = [...seams.values()].filter(({ normals }) => isCrease(normals));
  return Float32Array.from(drawn.flatMap(({ points }) => points));
}

function isCrease([first = [], ...others]: number[][]): boolean {
  return (
    others.length === 0 ||
    others.some((other) => first.reduce((sum, value, axis) => sum + value * (other[axis] ?? 0), 0) < CREASE_COSINE)
  );
}

function faceNormal([p = [], q = [], r = []]: number[][]): number[] | undefined {
  const minus = (a: number[], axis: number) => (a[axis] ?? 0) - (p[axis] ?? 0);
  const [ex, ey, ez, fx, fy, fz] = [minus(q, 0), minus(q, 1), minus(q, 2), minus(r, 0), minus(r, 1), minus(r, 2)];
  const normal = [ey * fz - ez * fy, ez * fx - ex * fz, ex * fy - ey * fx];
  const length = Math.hypot(...normal);
  return length > 0 ? normal.map((value) => value / length) : undefined;
}

const keyOf = (point: number[]) => point.map((value) => Math.round(value / WELD_M)).join(' ');
