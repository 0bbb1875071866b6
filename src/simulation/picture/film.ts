import { inside } from '../judge.ts';
import { fitCamera } from './camera.ts';
import { placeGeom } from './drawn-geoms.ts';
import { createPainter } from './painter.ts';
import type { Benchmark, Vector3 } from '../../schemas/simulation.ts';
import type { ViewAngle } from './camera.ts';
import type { DrawnGeom, Poses } from './drawn-geoms.ts';
import type { Ghosts, Painter } from './painter.ts';

/** A filmed simulation: what is drawn, and the poses of every frame. At least one frame. */
export interface Film {
  geoms: DrawnGeom[];
  benchmark: Benchmark;
  payloadBody: number;
  frames: Poses[];
  width: number;
  height: number;
}

/** The angle of the video and its poster: high enough to see into trays and funnels, turned enough to see depth. */
export const FILM_ANGLE: ViewAngle = { elevation_deg: 36, azimuth_deg: 236 };
/** Metres between two of the payload's positions in a still. */
const GHOST_EVERY_M = 0.1;
/** The most positions of the payload in a still. */
const GHOSTS_MAX = 24;

/** A painter that looks from an angle and shows the whole mechanism, the payload's start and all zones. */
export function createFilmPainter(film: Film, angle: ViewAngle): Painter {
  const first = firstOf(film);
  const points = film.geoms.filter(({ kind }) => kind !== 'plane').flatMap((geom) => cornersOf(placeGeom(geom, first)));
  for (const zone of [film.benchmark.goal_zone, ...Object.values(film.benchmark.forbidden_zones)])
    points.push(...boxCorners([...zone.min], [...zone.max]));
  const camera = fitCamera(Float64Array.from(points), angle, film.width / film.height);
  const { geoms, benchmark, width, height } = film;
  return createPainter({ geoms, benchmark, first, camera, width, height });
}

/** The last pose with the payload within bounds, with its way there as in a stroboscopic photograph. RGBA bytes. */
export function paintStill(film: Film, angle: ViewAngle): Uint8ClampedArray<ArrayBuffer> {
  const { frames, payloadBody, geoms } = film;
  const index = geoms.find(({ body }) => body === payloadBody)?.index;
  const ball = ({ positions }: Poses): Vector3 =>
    index === undefined ? [0, 0, 0] : (positions.slice(3 * index, 3 * index + 3) as unknown as Vector3);
  const last = Math.max(
    0,
    frames.findLastIndex((poses) => inside(film.benchmark.simulation_bounds, ball(poses))),
  );
  const shown = frames[last] ?? firstOf(film);
  const ghosts: Ghosts = { body: payloadBody, poses: [] };
  let previous = ball(shown);
  for (const poses of frames.slice(0, last).toReversed()) {
    const here = ball(poses);
    const away = Math.hypot(here[0] - previous[0], here[1] - previous[1], here[2] - previous[2]);
    if (!(away >= GHOST_EVERY_M) && poses !== frames[0]) continue;
    if (ghosts.poses.length === GHOSTS_MAX) break;
    ghosts.poses.push(poses);
    previous = here;
  }
  return createFilmPainter(film, angle)(shown, ghosts).pixels;
}

function firstOf({ frames: [first] }: Film): Poses {
  if (first === undefined) throw new RangeError('a film has at least one frame');
  return first;
}

/** The corners of the box around a geom's vertices: enough for the camera, and far fewer. */
function cornersOf(triangles: Float32Array): number[] {
  const [min, max] = [
    [Infinity, Infinity, Infinity],
    [-Infinity, -Infinity, -Infinity],
  ];
  for (let from = 0; from < triangles.length; from += 6)
    for (let axis = 0; axis < 3; axis++) {
      const value = triangles[from + axis] as number;
      if (value < (min[axis] ?? 0)) min[axis] = value;
      if (value > (max[axis] ?? 0)) max[axis] = value;
    }
  return boxCorners(min, max);
}

function boxCorners(min: number[], max: number[]): number[] {
  const corner = (bits: number) => [0, 1, 2].map((axis) => ((bits >> axis) & 1 ? max[axis] : min[axis]) ?? 0);
  return Array.from({ length: 8 }, (_, bits) => corner(bits)).flat();
}
