import type { Scene } from './scene.ts';
import type { SceneState } from './engine.ts';

/** The rows of a state's active constraints, as the solver left them. Valid until the next step. */
export interface ConstraintRows {
  /** Rows that are no contact: equalities, friction, limits. They come first. */
  first: number;
  count: number;
  force: Float64Array;
  /** Whether a row acts on the payload. */
  touchesPayload(row: number): boolean;
  /** How fast its ends move along the row's direction, given velocities of all degrees of freedom. */
  speed(row: number, qvel: ArrayLike<number>): number;
  /** Adds the direction in which a row pushes the payload's body, in the world, to `target`. */
  addPush(row: number, target: Float64Array): void;
}

/** Reads the constraints. */
export function readRows({ mujoco, model, payload }: Scene, state: SceneState): ConstraintRows {
  const [jacobian, force, { nv }] = [state.efc_J, state.efc_force, model];
  const { dofAt } = payload;
  const first = state.ne + state.nf + state.nl;
  const count = force.length;
  if (!mujoco.mj_isSparse(model))
    return {
      first,
      count,
      force,
      touchesPayload(row) {
        const from = row * nv + dofAt;
        for (let column = from; column < from + 6; column++) if (jacobian[column] !== 0) return true;
        return false;
      },
      speed(row, qvel) {
        let sum = 0;
        for (let dof = 0, from = row * nv; dof < nv; dof++)
          sum += (jacobian[from + dof] as number) * (qvel[dof] as number);
        return sum;
      },
      addPush(row, target) {
        const from = row * nv + dofAt;
        for (let axis = 0; axis < 3; axis++)
          target[axis] = (target[axis] as number) + (jacobian[from + axis] as number);
      },
    };
  const [widths, starts, columns] = [state.efc_J_rownnz, state.efc_J_rowadr, state.efc_J_colind];
  return {
    first,
    count,
    force,
    touchesPayload(row) {
      const from = starts[row] as number;
      const end = from + (widths[row] as number);
      // Columns rise.
      if ((columns[from] as number) >= dofAt + 6 || (columns[end - 1] as number) < dofAt) return false;
      for (let entry = from; entry < end; entry++) {
        const dof = (columns[entry] as number) - dofAt;
        if (dof >= 0 && dof < 6 && jacobian[entry] !== 0) return true;
      }
      return false;
    },
    speed(row, qvel) {
      let sum = 0;
      const from = starts[row] as number;
      for (let entry = from, end = from + (widths[row] as number); entry < end; entry++)
        sum += (jacobian[entry] as number) * (qvel[columns[entry] as number] as number);
      return sum;
    },
    addPush(row, target) {
      const from = starts[row] as number;
      for (let entry = from, end = from + (widths[row] as number); entry < end; entry++) {
        const axis = (columns[entry] as number) - dofAt;
        if (axis >= 0 && axis < 3) target[axis] = (target[axis] as number) + (jacobian[entry] as number);
      }
    },
  };
}
