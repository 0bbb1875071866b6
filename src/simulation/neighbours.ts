import { at } from './engine.ts';
import type { SceneModel } from './engine.ts';
import type { ScenePayload } from './payload.ts';

/** Finds, from bounding spheres, when the payload may be touching one of some geoms. */
export interface Neighbours {
  isNear(geomPositions: Float64Array): boolean;
}

/** The neighbours among the given geoms. Positions are those before a step, in which the payload may have moved by its radius. */
export function createNeighbours(model: SceneModel, payload: ScenePayload, geoms: number[]): Neighbours {
  const reaches = geoms.map((geom) => at(model.geom_rbound, geom));
  // A plane has no end.
  const endless = reaches.includes(0);
  const squares = Float64Array.from(reaches, (reach) => (reach + 2 * payload.radius_m) ** 2);
  const own = 3 * payload.geom;
  return {
    isNear(positions) {
      if (endless) return true;
      const x = positions[own] as number;
      const y = positions[own + 1] as number;
      const z = positions[own + 2] as number;
      for (let index = 0; index < geoms.length; index++) {
        const from = 3 * (geoms[index] as number);
        const [dx, dy, dz] = [
          x - (positions[from] as number),
          y - (positions[from + 1] as number),
          z - (positions[from + 2] as number),
        ];
        if (dx * dx + dy * dy + dz * dz < (squares[index] as number)) return true;
      }
      return false;
    },
  };
}
