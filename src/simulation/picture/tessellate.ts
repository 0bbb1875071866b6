/** A geom's surface in its own frame: six floats a vertex (position, normal), three vertices a triangle, counter-clockwise from outside. */
export interface Surface {
  triangles: Float32Array;
  /** One brightness factor a triangle: the ground's grid. */
  tints?: Float32Array;
}

/** A triangle mesh: three floats a vertex, three vertex indices a face. */
export interface Mesh {
  vertices: Float32Array;
  faces: Int32Array;
}

/** A height field's grid over ± x and ± y, heights 0 to 1 scaled by `top`, in metres. */
export interface HeightField {
  rows: number;
  columns: number;
  heights: Float32Array;
  extent: { x: number; y: number; top: number };
}

/** Floats a triangle takes. */
export const TRIANGLE_FLOATS = 18;

/** Segments of a full turn: a multiple of 4. */
const AROUND = 24;
/** Metres: the ground grid's cell, and how far a plane is drawn, which the engine takes for endless whatever its size. */
const PLANE_CELL_M = 0.05;
const PLANE_EXTENT_M = 3;
/** How much darker every other cell of the grid is at the plane's middle; it fades out towards the horizon. */
const GRID_CONTRAST = 0.075;
const GRID_FADE_M = 1.4;

/** Where a share of a full turn leads: the same numbers wherever corners meet, so that surfaces close without a gap. */
function turned(share: number): [number, number] {
  const step = (Math.round(share * AROUND) + AROUND) % AROUND;
  return [Math.cos((2 * Math.PI * step) / AROUND), Math.sin((2 * Math.PI * step) / AROUND)];
}

type Vertex = [x: number, y: number, z: number, nx: number, ny: number, nz: number];

/** A sphere, an ellipsoid, or a capsule: an ellipsoid cut at its equator and pulled apart by ± `stretch` along z. */
export function ellipsoid([a, b, c]: readonly [number, number, number], stretch = 0): Surface {
  const half =
    (from: number) =>
    (u: number, v: number): Vertex => {
      const rise = (from + v) * (Math.PI / 2);
      // Exactly 0 at a pole, where all corners have to be one.
      const reach = Math.abs(from + v) === 1 ? 0 : Math.cos(rise);
      const [turnX, turnY] = turned(u);
      const [x, y, z] = [reach * turnX, reach * turnY, Math.sin(rise)];
      const length = Math.hypot(x / a, y / b, z / c);
      return [a * x, b * y, c * z + (from < 0 ? -stretch : stretch), x / a / length, y / b / length, z / c / length];
    };
  const wall = (u: number, v: number): Vertex => {
    const [x, y] = turned(u);
    return [a * x, b * y, stretch * (2 * v - 1), x, y, 0];
  };
  const parts = [patch(AROUND, AROUND / 4, half(-1)), patch(AROUND, AROUND / 4, half(0))];
  if (stretch > 0) parts.push(patch(AROUND, 1, wall));
  return { triangles: Float32Array.from(parts.flat()) };
}

/** A cylinder along z. */
export function cylinder(radius: number, halfLength: number): Surface {
  const wall = (u: number, v: number): Vertex => {
    const [x, y] = turned(u);
    return [radius * x, radius * y, halfLength * (2 * v - 1), x, y, 0];
  };
  const cap =
    (side: number) =>
    (u: number, v: number): Vertex => {
      const [x, y] = turned(side * u);
      const reach = radius * (1 - v);
      return [reach * x, reach * y, side * halfLength, 0, 0, side];
    };
  return {
    triangles: Float32Array.from([patch(AROUND, 1, wall), patch(AROUND, 1, cap(1)), patch(AROUND, 1, cap(-1))].flat()),
  };
}

/** A box of half extents a, b, c. */
export function box(a: number, b: number, c: number): Surface {
  const extent = [a, b, c] as const;
  const axes = [0, 1, 2] as const;
  const face = (axis: 0 | 1 | 2, side: number) =>
    patch(1, 1, (u, v) => {
      const [along, across] = [((axis + 1) % 3) as 0 | 1 | 2, ((axis + 2) % 3) as 0 | 1 | 2];
      const vertex: Vertex = [0, 0, 0, 0, 0, 0];
      vertex[axis] = side * extent[axis];
      vertex[along] = (2 * u - 1) * side * extent[along];
      vertex[across] = (2 * v - 1) * extent[across];
      vertex[(3 + axis) as 3 | 4 | 5] = side;
      return vertex;
    });
  return { triangles: Float32Array.from(axes.flatMap((axis) => [...face(axis, 1), ...face(axis, -1)])) };
}

/** The ground as one plain square, for files: its grid would be most of them. */
export function square(): Surface {
  const extent = PLANE_EXTENT_M / 3;
  return {
    triangles: Float32Array.from(patch(1, 1, (u, v) => [(2 * u - 1) * extent, (2 * v - 1) * extent, 0, 0, 0, 1])),
  };
}

/** The ground, with a checkered grid. */
export function plane(): Surface {
  const cells = Math.round((2 * PLANE_EXTENT_M) / PLANE_CELL_M);
  const extent = PLANE_EXTENT_M;
  const triangles = Float32Array.from(
    patch(cells, cells, (u, v) => [(2 * u - 1) * extent, (2 * v - 1) * extent, 0, 0, 0, 1]),
  );
  const tints = Float32Array.from({ length: 2 * cells * cells }, (_, index) => {
    const [column, row] = [Math.floor(index / 2 / cells), (index >> 1) % cells];
    const away = Math.hypot(column - cells / 2, row - cells / 2) * PLANE_CELL_M;
    return (column + row) % 2 === 0 ? 1 : 1 - GRID_CONTRAST * Math.max(0, 1 - away / GRID_FADE_M);
  });
  return { triangles, tints };
}

/** A mesh, flat shaded: normals from the faces' winding. */
export function mesh({ vertices, faces }: Mesh): Surface {
  const triangles = new Float32Array(faces.length * 6);
  for (let face = 0; face < faces.length; face += 3) {
    for (let corner = 0; corner < 3; corner++) {
      const from = 3 * (faces[face + corner] ?? 0);
      triangles.set(vertices.subarray(from, from + 3), 6 * (face + corner));
    }
    setFaceNormal(triangles, 6 * face);
  }
  return { triangles };
}

/** A height field's upper side, flat shaded. */
export function heightField({ rows, columns, heights, extent }: HeightField): Surface {
  const triangles = Float32Array.from(
    patch(columns - 1, rows - 1, (u, v) => {
      const cell = Math.round(v * (rows - 1)) * columns + Math.round(u * (columns - 1));
      return [(2 * u - 1) * extent.x, (2 * v - 1) * extent.y, (heights[cell] ?? 0) * extent.top, 0, 0, 1];
    }),
  );
  for (let from = 0; from < triangles.length; from += TRIANGLE_FLOATS) setFaceNormal(triangles, from);
  return { triangles };
}

/** Numbers of nu × nv quads as two triangles each, empty ones left out; `point(u, v)` in [0, 1]², with u × v turning outwards. */
function patch(nu: number, nv: number, point: (u: number, v: number) => Vertex): number[] {
  const numbers: number[] = [];
  for (let i = 0; i < nu; i++)
    for (let j = 0; j < nv; j++) {
      const p = point(i / nu, j / nv);
      const q = point((i + 1) / nu, j / nv);
      const r = point((i + 1) / nu, (j + 1) / nv);
      const s = point(i / nu, (j + 1) / nv);
      if (!isOnePoint(p, q) && !isOnePoint(q, r)) numbers.push(...p, ...q, ...r);
      if (!isOnePoint(r, s) && !isOnePoint(s, p)) numbers.push(...p, ...r, ...s);
    }
  return numbers;
}

const isOnePoint = (a: Vertex, b: Vertex) => a[0] === b[0] && a[1] === b[1] && a[2] === b[2];

function setFaceNormal(triangles: Float32Array, from: number): void {
  const read = (offset: number) => triangles[from + offset] ?? 0;
  const [ex, ey, ez] = [read(6) - read(0), read(7) - read(1), read(8) - read(2)];
  const [fx, fy, fz] = [read(12) - read(0), read(13) - read(1), read(14) - read(2)];
  const [nx, ny, nz] = [ey * fz - ez * fy, ez * fx - ex * fz, ex * fy - ey * fx];
  const length = Math.hypot(nx, ny, nz) || 1;
  for (let corner = 3; corner < TRIANGLE_FLOATS; corner += 6)
    triangles.set([nx / length, ny / length, nz / length], from + corner);
}
