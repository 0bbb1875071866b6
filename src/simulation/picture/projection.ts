import { at } from '../engine.ts';
import type { Camera } from './camera.ts';
import type { Corners, Ends } from './raster.ts';

/** From the world to the screen. What an answer points to is reused by the next call. */
export interface Projection {
  /** The corners of the triangle that begins at `from`, or undefined when one lies behind the camera. */
  triangle(triangles: Float32Array, from: number): Corners | undefined;
  /** The ends of the line whose two points (six floats) begin at `from`, or undefined when one lies behind the camera. */
  line(points: ArrayLike<number>, from: number): Ends | undefined;
}

/** Towards the light; the sum of ambient and diffuse light may exceed 1, the raster clamps. */
export const LIGHT: readonly [number, number, number] = unit([-0.45, -0.5, 1]);
const AMBIENT = 0.52;
const DIFFUSE = 0.55;
/** Metres: nearer than this to the camera, nothing is drawn. */
const NEAR_M = 0.01;

/** A projection for a raster of the given size in pixels. */
export function createProjection(camera: Camera, { width, height }: { width: number; height: number }): Projection {
  const [eyeX, eyeY, eyeZ] = camera.eye;
  const [forwardX, forwardY, forwardZ] = camera.forward;
  const [rightX, rightY, rightZ] = camera.right;
  const [upX, upY, upZ] = camera.up;
  const focal = height / 2 / Math.tan((camera.fov_deg * Math.PI) / 360);
  const corners = new Float64Array(12);
  const ends = new Float64Array(6);
  const [start, end] = [ends.subarray(0, 3), ends.subarray(3)];
  const cornerViews = [corners.subarray(0, 4), corners.subarray(4, 8), corners.subarray(8)] as const;
  const project = (source: ArrayLike<number>, from: number, target: Float64Array): boolean => {
    const x = (source[from] as number) - eyeX;
    const y = (source[from + 1] as number) - eyeY;
    const z = (source[from + 2] as number) - eyeZ;
    const distance = x * forwardX + y * forwardY + z * forwardZ;
    // Written so that NaN, of a scene that exploded, is not drawn.
    if (!(distance > NEAR_M)) return false;
    target[0] = width / 2 + (focal * (x * rightX + y * rightY + z * rightZ)) / distance;
    target[1] = height / 2 - (focal * (x * upX + y * upY + z * upZ)) / distance;
    target[2] = 1 / distance;
    return true;
  };
  return {
    triangle(triangles, from) {
      for (let corner = 0; corner < 3; corner++) {
        const vertex = from + 6 * corner;
        if (!project(triangles, vertex, cornerViews[corner] as Float64Array)) return undefined;
        const lambert =
          (triangles[vertex + 3] as number) * LIGHT[0] +
          (triangles[vertex + 4] as number) * LIGHT[1] +
          (triangles[vertex + 5] as number) * LIGHT[2];
        corners[4 * corner + 3] = AMBIENT + DIFFUSE * Math.max(0, lambert);
      }
      return corners;
    },
    line: (points, from) => (project(points, from, start) && project(points, from + 3, end) ? ends : undefined),
  };
}

function unit(vector: number[]): [number, number, number] {
  const length = Math.hypot(...vector);
  return [at(vector, 0) / length, at(vector, 1) / length, at(vector, 2) / length];
}
