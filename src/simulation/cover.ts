import { at } from './engine.ts';
import { createNeighbours } from './neighbours.ts';
import { isDrawn, surfaceOf } from './picture/drawn-geoms.ts';
import { TRIANGLE_FLOATS } from './picture/tessellate.ts';
import type { SceneState } from './engine.ts';
import type { Scene } from './scene.ts';

/** So far, as a share of the payload's radius, may the surface that is seen be from where a hidden one is touched. */
const MISS_SHARE_MAX = 0.25;

/** Tells touches of geoms that are not seen: they count where a geom that is seen, of the same rigid body, lies there too. */
export interface Cover {
  /** Whether the payload may be touching a geom that is not seen. */
  isNear(geomPositions: Float64Array): boolean;
  /** Whether what is touched at a point of the world (metres) is seen. */
  isCovered(geom: number, point: ArrayLike<number>): boolean;
}

/** The cover of a scene's hidden geoms; surfaces are made when they are first asked for. */
export function createCover(scene: Scene, state: SceneState): Cover {
  const { mujoco, model, payload } = scene;
  const hidden = hiddenColliders(model).filter((geom) => geom !== payload.geom);
  const neighbours = createNeighbours(scene, hidden);
  const tolerance = MISS_SHARE_MAX * payload.radius_m;
  const surfaces = new Map<number, Float32Array>();
  const seen = new Set<string>();
  const surface = (geom: number) => {
    const known = surfaces.get(geom) ?? surfaceOf(mujoco, model, geom).triangles;
    surfaces.set(geom, known);
    return known;
  };
  return {
    isNear: (positions) => neighbours.isNear(positions),
    isCovered(geom, point) {
      if (isDrawn(model, geom)) return true;
      const body = at(model.body_weldid, at(model.geom_bodyid, geom));
      const own = localPoint(state, geom, point).map((value) => Math.round(value / (tolerance / 4)));
      const key = `${geom} ${own.join(' ')}`;
      if (seen.has(key)) return true;
      for (let other = 0; other < model.ngeom; other++) {
        if (at(model.body_weldid, at(model.geom_bodyid, other)) !== body || !isDrawn(model, other)) continue;
        const place = localPoint(state, other, point);
        // Only geoms that may reach the point are worth walking through; a plane (no bound) has no end.
        const reach = at(model.geom_rbound, other);
        const covers =
          reach === 0
            ? Math.abs(place[2]) <= tolerance
            : length(place) <= reach + tolerance && isWithin(surface(other), place, tolerance);
        if (!covers) continue;
        seen.add(key);
        return true;
      }
      return false;
    },
  };
}

function hiddenColliders(model: Scene['model']): number[] {
  const paired = new Set([...model.pair_geom1, ...model.pair_geom2]);
  return Array.from({ length: model.ngeom }, (_, geom) => geom).filter(
    (geom) =>
      !isDrawn(model, geom) &&
      (at(model.geom_contype, geom) !== 0 || at(model.geom_conaffinity, geom) !== 0 || paired.has(geom)),
  );
}

function localPoint(state: SceneState, geom: number, point: ArrayLike<number>): [number, number, number] {
  const [position, rotation] = [state.geom_xpos, state.geom_xmat];
  const away = [0, 1, 2].map((axis) => at(point, axis) - at(position, 3 * geom + axis));
  const turned = (column: number) =>
    [0, 1, 2].reduce((sum, row) => sum + at(rotation, 9 * geom + 3 * row + column) * (away[row] ?? 0), 0);
  return [turned(0), turned(1), turned(2)];
}

type Point = readonly [number, number, number];

function isWithin(triangles: Float32Array, point: Point, distance: number): boolean {
  for (let from = 0; from < triangles.length; from += TRIANGLE_FLOATS) {
    const corner = (index: number): Point => {
      const first = from + 6 * index;
      return [triangles[first] as number, triangles[first + 1] as number, triangles[first + 2] as number];
    };
    if (distanceToTriangle(point, [corner(0), corner(1), corner(2)]) <= distance) return true;
  }
  return false;
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
