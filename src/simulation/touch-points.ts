import type { SceneState } from './engine.ts';
import type { ConstraintRows } from './constraint-rows.ts';
import type { Scene } from './scene.ts';
import type { StateViews } from './state-views.ts';

/** Asks of each contact that pushes the payload, by its point in the world and its distance (metres), until one answers yes. */
export type TouchFinder = (
  rows: ConstraintRows,
  views: StateViews,
  isFound: (point: Float64Array, dist: number) => boolean,
) => boolean;

/**
 * Finds where the payload is touched from the rows of the solver alone. The engine's own contacts know it as well, and which geom
 * touches, but to read one of them takes as long as all the rest of a step's judging.
 */
export function createTouchFinder({ mujoco, model, payload }: Scene, state: SceneState): TouchFinder {
  const elliptic = model.opt.cone === mujoco.mjtCone.mjCONE_ELLIPTIC.value;
  const own = 3 * payload.geom;
  const push = new Float64Array(3);
  const point = new Float64Array(3);
  return (rows, { geomPositions }, isFound) => {
    const [ids, distances] = [state.efc_id, state.efc_pos];
    for (let row = rows.first; row < rows.count;) {
      const [first, id] = [row, ids[row]];
      let passes = false;
      push.fill(0);
      for (; row < rows.count && ids[row] === id; row++) {
        if (rows.force[row] !== 0) passes = true;
        // A cone's first row is along the normal; the edges of a pyramid lie around it.
        if (row === first || !elliptic) rows.addPush(row, push);
      }
      const length = Math.hypot(push[0] as number, push[1] as number, push[2] as number);
      if (!passes || length === 0) continue;
      const dist = distances[first] as number;
      for (let axis = 0; axis < 3; axis++)
        point[axis] =
          (geomPositions[own + axis] as number) - ((push[axis] as number) / length) * (payload.radius_m + dist / 2);
      if (isFound(point, dist)) return true;
    }
    return false;
  };
}
