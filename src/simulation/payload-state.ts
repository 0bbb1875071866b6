import { at } from './engine.ts';
import type { Vector3 } from '../schemas/simulation.ts';
import type { ScenePayload } from './payload.ts';

/** Where the payload's sphere is in a state, and how fast its centre moves. SI units. */
export interface Locator {
  /** Puts the sphere's centre at a point of the world, turned as the scene has it. */
  place(qpos: Float64Array, point: Vector3): void;
  /** Writes the centre into `target` and answers with its speed. */
  locate(qpos: Float64Array, qvel: Float64Array, target: Float64Array): number;
}

/** A locator. By the first version of the rules, the payload was where its body's origin is. */
export function createLocator({ qposAt, dofAt, centre }: ScenePayload, rules: number): Locator {
  const [x, y, z] = rules > 1 ? centre : [0, 0, 0];
  const away = new Float64Array(3);
  /** The centre as seen from the body's origin, in the world. */
  const turn = (qpos: Float64Array, [u, v, w]: Vector3) => {
    const [a, b, c, d] = [3, 4, 5, 6].map((index) => at(qpos, qposAt + index)) as [number, number, number, number];
    const [tu, tv, tw] = [2 * (c * w - d * v), 2 * (d * u - b * w), 2 * (b * v - c * u)];
    away[0] = u + a * tu + c * tw - d * tv;
    away[1] = v + a * tv + d * tu - b * tw;
    away[2] = w + a * tw + b * tv - c * tu;
  };
  const atOrigin = x === 0 && y === 0 && z === 0;
  return {
    place(qpos, point) {
      turn(qpos, [x, y, z]);
      for (let axis = 0; axis < 3; axis++) qpos[qposAt + axis] = (point[axis] ?? 0) - (away[axis] ?? 0);
    },
    locate(qpos, qvel, target) {
      for (let axis = 0; axis < 3; axis++) target[axis] = at(qpos, qposAt + axis);
      let [u, v, w] = [at(qvel, dofAt), at(qvel, dofAt + 1), at(qvel, dofAt + 2)];
      if (atOrigin) return Math.hypot(u, v, w);
      turn(qpos, [x, y, z]);
      for (let axis = 0; axis < 3; axis++) target[axis] = (target[axis] as number) + (away[axis] as number);
      // The angular velocity is in the body's frame.
      const [p, q, r] = [at(qvel, dofAt + 3), at(qvel, dofAt + 4), at(qvel, dofAt + 5)];
      turn(qpos, [q * z - r * y, r * x - p * z, p * y - q * x]);
      u += away[0] as number;
      v += away[1] as number;
      w += away[2] as number;
      return Math.hypot(u, v, w);
    },
  };
}
