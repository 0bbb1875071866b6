import { createCoat } from './coat.ts';
import { at } from './engine.ts';
import { createNeighbours } from './neighbours.ts';
import { isDrawn, placeTriangles, surfaceOf } from './picture/drawn-geoms.ts';
import type { Coat, SeenSurface } from './coat.ts';
import type { Compiled, SceneModel } from './engine.ts';
import type { ScenePayload } from './payload.ts';
import type { StateViews } from './state-views.ts';

/** So far, as a share of the payload's radius, may the surface that is seen be from where a hidden one is touched. */
const MISS_SHARE_MAX = 0.25;
/** By this share of the payload's radius a hidden geom's bounds are widened: what the engine finds of curved ones is not exact. */
const BOUNDS_SHARE = 0.02;

/** Finds touches of geoms that are not seen: they count where a geom that is seen, of the same rigid body, lies there too. */
export interface Cover {
  /** Whether the payload may be touching a geom that is not seen. */
  isNear(geomPositions: Float64Array): boolean;
  /** Whether whatever may be touched at a point of the world, `slack` metres away from it, is surely seen. */
  isSeen(point: ArrayLike<number>, slack: number, views: StateViews): boolean;
  /** Whether what is touched at a point of the world (metres) is seen. */
  isCovered(geom: number, point: ArrayLike<number>, views: StateViews): boolean;
}

/** The cover of a scene's hidden geoms; what is seen of a body is gathered when it is first asked for. */
export function createCover({ mujoco, model }: Compiled, payload: ScenePayload): Cover {
  const hidden = hiddenColliders(model).filter((geom) => geom !== payload.geom);
  const neighbours = createNeighbours(model, payload, hidden);
  const [welds, owners] = [model.body_weldid.slice(), model.geom_bodyid.slice()];
  const [bounds, sizes] = [model.geom_aabb.slice(), model.geom_rbound.slice()];
  const coats = new Map<number, Coat>();
  const local = new Float64Array(3);
  const isOnBody = (geom: number, point: ArrayLike<number>, views: StateViews) => {
    const body = at(welds, at(owners, geom));
    const coat =
      coats.get(body) ?? createCoat(gather({ mujoco, model }, body, views), MISS_SHARE_MAX * payload.radius_m);
    coats.set(body, coat);
    toLocal(local, point, ofBody(views, body));
    return coat.covers(local[0] as number, local[1] as number, local[2] as number);
  };
  /** Whether a point of a geom's own frame lies within its bounds, widened by `slack`. */
  const isWithin = (geom: number, place: Float64Array, slack: number) => {
    // A plane has no bounds.
    if (sizes[geom] === 0) return Math.abs(place[2] as number) <= slack;
    for (let axis = 0, from = 6 * geom; axis < 3; axis++, from++)
      if (Math.abs((place[axis] as number) - (bounds[from] as number)) > (bounds[from + 3] as number) + slack)
        return false;
    return true;
  };
  return {
    isNear: (positions) => neighbours.isNear(positions),
    isSeen(point, slack, views) {
      const wide = slack + BOUNDS_SHARE * payload.radius_m;
      for (const geom of hidden)
        if (isWithin(geom, toLocal(local, point, ofGeom(views, geom)), wide) && !isOnBody(geom, point, views))
          return false;
      return true;
    },
    isCovered: (geom, point, views) => isDrawn(model, geom) || isOnBody(geom, point, views),
  };
}

function hiddenColliders(model: SceneModel): number[] {
  const paired = new Set([...model.pair_geom1, ...model.pair_geom2]);
  return Array.from({ length: model.ngeom }, (_, geom) => geom).filter(
    (geom) =>
      !isDrawn(model, geom) &&
      (at(model.geom_contype, geom) !== 0 || at(model.geom_conaffinity, geom) !== 0 || paired.has(geom)),
  );
}

/** What is seen of the bodies that are welded to one, in that one's frame. */
function gather({ mujoco, model }: Compiled, body: number, views: StateViews): SeenSurface {
  const outer = ofBody(views, body);
  const pieces: Float32Array[] = [];
  const planes: number[] = [];
  for (let geom = 0; geom < model.ngeom; geom++) {
    if (at(model.body_weldid, at(model.geom_bodyid, geom)) !== body || !isDrawn(model, geom)) continue;
    const inner = ofGeom(views, geom);
    const place = toLocal(new Float64Array(3), views.geomPositions.subarray(3 * geom), outer);
    const rotation = relative(outer, inner);
    if (at(model.geom_type, geom) === mujoco.mjtGeom.mjGEOM_PLANE.value)
      planes.push(...place, at(rotation, 2), at(rotation, 5), at(rotation, 8));
    else pieces.push(placeTriangles(surfaceOf(mujoco, model, geom).triangles, place, rotation));
  }
  return { triangles: joined(pieces), planes: Float64Array.from(planes) };
}

/** Where a body or geom is: its number, and the positions (metres) and row-major rotations of all. */
interface Frame {
  id: number;
  positions: Float64Array;
  rotations: Float64Array;
}

const ofGeom = ({ geomPositions, geomRotations }: StateViews, id: number): Frame => ({
  id,
  positions: geomPositions,
  rotations: geomRotations,
});
const ofBody = ({ bodyPositions, bodyRotations }: StateViews, id: number): Frame => ({
  id,
  positions: bodyPositions,
  rotations: bodyRotations,
});

/** Writes a point of the world as seen from a frame; answers with it. */
function toLocal(target: Float64Array, point: ArrayLike<number>, { id, positions, rotations }: Frame): Float64Array {
  const x = (point[0] as number) - (positions[3 * id] as number);
  const y = (point[1] as number) - (positions[3 * id + 1] as number);
  const z = (point[2] as number) - (positions[3 * id + 2] as number);
  for (let axis = 0, from = 9 * id; axis < 3; axis++, from++)
    target[axis] =
      (rotations[from] as number) * x + (rotations[from + 3] as number) * y + (rotations[from + 6] as number) * z;
  return target;
}

/** The rotation of `inner` as seen from `outer`, row-major. */
function relative(outer: Frame, inner: Frame): number[] {
  return Array.from({ length: 9 }, (_, index) => {
    const [row, column] = [Math.floor(index / 3), index % 3];
    return [0, 3, 6].reduce(
      (sum, step) =>
        sum + at(outer.rotations, 9 * outer.id + step + row) * at(inner.rotations, 9 * inner.id + step + column),
      0,
    );
  });
}

function joined(pieces: Float32Array[]): Float32Array {
  const whole = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let to = 0;
  for (const piece of pieces) {
    whole.set(piece, to);
    to += piece.length;
  }
  return whole;
}
