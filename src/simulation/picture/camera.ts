import type { Vector3 } from '../../schemas/simulation.ts';

/** Where the picture is taken from. Metres, z is up; `fov_deg` is the vertical opening. */
export interface Camera {
  eye: Vector3;
  /** Unit vectors of the view: into the picture, to its right, to its top. */
  forward: Vector3;
  right: Vector3;
  up: Vector3;
  fov_deg: number;
}

/** A direction to look from, in degrees: above the ground, and around z from +x towards +y. */
export interface ViewAngle {
  elevation_deg: number;
  azimuth_deg: number;
}

const FOV_DEG = 35;
/** The share of the picture's half width and height that what is shown may fill. */
const FILL = 0.92;

/** The camera that looks from an angle and stands exactly so near that all points (x, y, z in a row) are in the picture. */
export function fitCamera(points: Float64Array, angle: ViewAngle, aspect: number): Camera {
  const { forward, right, up } = viewAxes(angle);
  const tanY = Math.tan((FOV_DEG * Math.PI) / 360) * FILL;
  const tanX = tanY * aspect;
  // In camera axes with depth d into the picture, a point is seen when |x - eyeX| ≤ tanX · (d - eyeD): two bounds a side.
  let [rightmost, leftmost, topmost, lowest] = [-Infinity, -Infinity, -Infinity, -Infinity];
  for (let from = 0; from + 2 < points.length; from += 3) {
    const point: Vector3 = [points[from] ?? 0, points[from + 1] ?? 0, points[from + 2] ?? 0];
    const [x, y, d] = [dot(point, right), dot(point, up), dot(point, forward)];
    rightmost = Math.max(rightmost, x - tanX * d);
    leftmost = Math.max(leftmost, -x - tanX * d);
    topmost = Math.max(topmost, y - tanY * d);
    lowest = Math.max(lowest, -y - tanY * d);
  }
  const depth = Math.min(-(rightmost + leftmost) / (2 * tanX), -(topmost + lowest) / (2 * tanY));
  const [x, y] = [(rightmost - leftmost) / 2, (topmost - lowest) / 2];
  const along = (axis: 0 | 1 | 2) => x * right[axis] + y * up[axis] + depth * forward[axis];
  return { eye: [along(0), along(1), along(2)], forward, right, up, fov_deg: FOV_DEG };
}

function viewAxes({ elevation_deg, azimuth_deg }: ViewAngle): Pick<Camera, 'forward' | 'right' | 'up'> {
  const [elevation, azimuth] = [(elevation_deg * Math.PI) / 180, (azimuth_deg * Math.PI) / 180];
  const forward: Vector3 = [
    -Math.cos(elevation) * Math.cos(azimuth),
    -Math.cos(elevation) * Math.sin(azimuth),
    -Math.sin(elevation),
  ];
  // From the azimuth and not from a cross product with z, so that a view from straight above has axes too.
  const right: Vector3 = [-Math.sin(azimuth), Math.cos(azimuth), 0];
  return { forward, right, up: cross(right, forward) };
}

/** The scalar product of two vectors. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return (a[0] ?? 0) * (b[0] ?? 0) + (a[1] ?? 0) * (b[1] ?? 0) + (a[2] ?? 0) * (b[2] ?? 0);
}

function cross(a: Vector3, b: Vector3): Vector3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}
