import { dot } from './camera.ts';
import { placeGeom } from './drawn-geoms.ts';
import { LIGHT } from './projection.ts';
import { blend, fillTriangle } from './raster.ts';
import { TRIANGLE_FLOATS } from './tessellate.ts';
import type { DrawnGeom, Poses } from './drawn-geoms.ts';
import type { Projection } from './projection.ts';
import type { Corners, Ink, Raster, Run } from './raster.ts';

/** A plane that catches shadows: a point of it, its normal, and where on the screen it may be seen. */
export interface Receiver {
  geom: DrawnGeom;
  point: Float32Array;
  normal: Float32Array;
  /** The cosine between normal and light. */
  slope: number;
  window: { left: number; top: number; right: number; bottom: number };
}

/** Where and how things are painted. */
export interface Stage {
  raster: Raster;
  projection: Projection;
  receivers: Receiver[];
}

const SHADOW: Ink = { red: 0, green: 0, blue: 0, share: 0.28 };
/** Metres: what is nearer to a plane than this casts no shadow on it. */
const FLUSH_M = 1e-4;
/** A plane this level (cosine to z) catches shadows. */
const LEVEL_COSINE = 0.9;
/** A raster names a pixel's plane with one byte; 0 is none. */
const RECEIVERS_MAX = 255;

/** The planes that catch shadows: the ground, and the upward faces of fixed boxes. A raster knows the n-th by n + 1. */
export function collectReceivers(fixed: DrawnGeom[], poses: Poses, projection: Projection): Receiver[] {
  const receivers: Receiver[] = [];
  for (const geom of fixed) {
    if ((geom.kind !== 'plane' && geom.kind !== 'box') || receivers.length === RECEIVERS_MAX) continue;
    const triangles = placeGeom(geom, poses);
    for (let from = 0; from < triangles.length; from += TRIANGLE_FLOATS) {
      const normal = triangles.slice(from + 3, from + 6);
      if ((normal[2] ?? 0) < LEVEL_COSINE) continue;
      receivers.push({
        geom,
        point: triangles.slice(from, from + 3),
        normal,
        slope: dot(normal, LIGHT),
        window: screenWindow(projection, triangles),
      });
      break;
    }
  }
  return receivers;
}

/** Slides triangles along the light onto each receiving plane and darkens, once, the pixels that show this plane. */
export function paintShadows({ raster, projection, receivers }: Stage, triangles: Float32Array): void {
  const { color, receiver } = raster;
  const hull = boxAround(triangles);
  for (const [index, plane] of receivers.entries()) {
    if (!mayFall(hull, plane, projection)) continue;
    const id = index + 1;
    const darken = ({ from, end }: Run) => {
      for (let pixel = from; pixel < end; pixel++) {
        if (receiver[pixel] !== id) continue;
        receiver[pixel] = 0;
        blend(color, 4 * pixel, SHADOW);
      }
    };
    const shadow = createShadow(plane);
    for (let from = 0; from < triangles.length; from += TRIANGLE_FLOATS) {
      if (facesAway(triangles, from) || shadow.flatten(triangles, from) <= FLUSH_M) continue;
      const corners = projection.triangle(shadow.flat, 0);
      if (corners !== undefined && !misses(plane.window, corners)) fillTriangle(raster, corners, darken);
    }
  }
}

/** Whether all of a triangle looks away from the light: its shadow is that of the lit side of the same body. */
function facesAway(triangles: Float32Array, from: number): boolean {
  for (let vertex = from + 3; vertex < from + TRIANGLE_FLOATS; vertex += 6) {
    const [x, y, z] = LIGHT;
    if (
      (triangles[vertex] as number) * x +
        (triangles[vertex + 1] as number) * y +
        (triangles[vertex + 2] as number) * z >
      0
    )
      return false;
  }
  return true;
}

/** The corners of the box around some triangles, in the layout of triangles: four of them, with two corners each twice. */
function boxAround(triangles: Float32Array): Float32Array {
  const [min, max] = [
    [Infinity, Infinity, Infinity],
    [-Infinity, -Infinity, -Infinity],
  ] as [number[], number[]];
  for (let from = 0; from < triangles.length; from += 6)
    for (let axis = 0; axis < 3; axis++) {
      const value = triangles[from + axis] as number;
      if (value < (min[axis] as number)) min[axis] = value;
      if (value > (max[axis] as number)) max[axis] = value;
    }
  const box = new Float32Array(4 * TRIANGLE_FLOATS);
  for (let vertex = 0; vertex < 12; vertex++)
    for (let axis = 0; axis < 3; axis++)
      box[6 * vertex + axis] = (((vertex % 8) >> axis) & 1 ? max : min)[axis] as number;
  return box;
}

/** Whether the shadow of something within a box may be seen on a plane: a shadow lies within the shadows of the box's corners. */
function mayFall(box: Float32Array, plane: Receiver, projection: Projection): boolean {
  const { window } = plane;
  const shadow = createShadow(plane);
  const seen = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  let highest = 0;
  for (let from = 0; from < box.length; from += TRIANGLE_FLOATS) {
    highest = Math.max(highest, shadow.flatten(box, from));
    const corners = projection.triangle(shadow.flat, 0);
    // Partly behind the camera: not worth deciding.
    if (corners === undefined) return true;
    widen(seen, corners);
  }
  const apart =
    seen.right < window.left || seen.left > window.right || seen.bottom < window.top || seen.top > window.bottom;
  return highest > FLUSH_M && !apart;
}

interface Shadow {
  /** The triangle last flattened. */
  flat: Float32Array;
  /** Writes the shadow of the triangle that begins at `from`; answers with the height of its highest corner above the plane. */
  flatten: (triangles: Float32Array, from: number) => number;
}

function createShadow({ point, normal, slope }: Receiver): Shadow {
  const flat = new Float32Array(TRIANGLE_FLOATS);
  const flatten = (triangles: Float32Array, from: number): number => {
    let highest = 0;
    for (let corner = 0; corner < TRIANGLE_FLOATS; corner += 6) {
      let above = 0;
      for (let axis = 0; axis < 3; axis++)
        above += (normal[axis] as number) * ((triangles[from + corner + axis] as number) - (point[axis] as number));
      if (above > highest) highest = above;
      for (let axis = 0; axis < 3; axis++) {
        const along = above > 0 ? ((LIGHT[axis] as number) * above) / slope : (normal[axis] as number) * above;
        flat[corner + axis] = (triangles[from + corner + axis] as number) - along;
      }
    }
    return highest;
  };
  return { flat, flatten };
}

function screenWindow(projection: Projection, triangles: Float32Array): Receiver['window'] {
  const window = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (let from = 0; from < triangles.length; from += TRIANGLE_FLOATS) {
    const c = projection.triangle(triangles, from);
    if (c === undefined) continue;
    widen(window, c);
  }
  return window;
}

function widen(window: Receiver['window'], c: Corners): void {
  window.left = Math.min(window.left, leftOf(c));
  window.top = Math.min(window.top, topOf(c));
  window.right = Math.max(window.right, rightOf(c));
  window.bottom = Math.max(window.bottom, bottomOf(c));
}

const misses = ({ left, top, right, bottom }: Receiver['window'], c: Corners) =>
  rightOf(c) < left || leftOf(c) > right || bottomOf(c) < top || topOf(c) > bottom;

const leftOf = (c: Corners) => Math.min(c[0] as number, c[4] as number, c[8] as number);
const rightOf = (c: Corners) => Math.max(c[0] as number, c[4] as number, c[8] as number);
const topOf = (c: Corners) => Math.min(c[1] as number, c[5] as number, c[9] as number);
const bottomOf = (c: Corners) => Math.max(c[1] as number, c[5] as number, c[9] as number);
