import { placeGeom, placeTriangles } from './drawn-geoms.ts';
import { findEdges } from './edges.ts';
import { paintEdges, paintSky, paintSolid, paintVeil } from './layers.ts';
import { createProjection } from './projection.ts';
import { createRaster, shrink } from './raster.ts';
import { collectReceivers, paintShadows } from './shadows.ts';
import { emptySpans, fullSpans, halveSpans, uniteSpans } from './spans.ts';
import { box } from './tessellate.ts';
import type { Benchmark, Zone } from '../../schemas/simulation.ts';
import type { Camera } from './camera.ts';
import type { DrawnGeom, Poses } from './drawn-geoms.ts';
import type { Placed, Veil } from './layers.ts';
import type { Ink, Raster } from './raster.ts';
import type { Stage } from './shadows.ts';
import type { Spans } from './spans.ts';

/** What a painter draws: geoms, whose fixed ones stand as in `first`, and a benchmark's zones. Sizes in pixels. */
export interface PainterOptions {
  geoms: DrawnGeom[];
  benchmark: Benchmark;
  first: Poses;
  camera: Camera;
  width: number;
  height: number;
}

/** Earlier poses of one body that are drawn too, paler, as in a stroboscopic photograph. */
export interface Ghosts {
  body: number;
  poses: Poses[];
}

/** A painted picture: RGBA bytes, which the painter's next picture overwrites, and where they differ from its last one. */
export interface Picture {
  pixels: Uint8ClampedArray<ArrayBuffer>;
  changed: Spans;
}

/** Paints one frame. */
export type Painter = (poses: Poses, ghosts?: Ghosts) => Picture;

/** The share of a zone's face that covers what is behind it; a zone is mostly seen through two. */
const ZONE_SHARE = 0.2;
const GOAL_INK: Ink = { red: 20, green: 190, blue: 60, share: ZONE_SHARE };
const FORBIDDEN_INK: Ink = { red: 235, green: 40, blue: 40, share: ZONE_SHARE };
const GHOST_SHARE = 0.45;
/** From this opacity on, a geom is drawn as solid. */
const OPAQUE_MIN = 0.99;

/**
 * A software renderer: one z-buffered triangle filler with 2 × 2 samples a pixel, Lambert light, shadows on level planes, drawn edges,
 * translucent zones. What cannot move is painted once; a frame repaints only the stretches of rows that moving things touch or have left.
 */
export function createPainter({ geoms, benchmark, first, camera, width, height }: PainterOptions): Painter {
  const raster = createRaster(width * 2, height * 2);
  const projection = createProjection(camera, raster);
  const solid = geoms.filter(({ rgba }) => rgba[3] >= OPAQUE_MIN);
  const glassy = geoms.filter(({ rgba }) => rgba[3] < OPAQUE_MIN);
  const [fixed, moving] = [solid.filter((geom) => geom.fixed), solid.filter((geom) => !geom.fixed)];
  const stage: Stage = { raster, projection, receivers: collectReceivers(fixed, first, projection) };
  const zones = collectZones(benchmark);

  paintStill(
    stage,
    fixed.map((geom) => place(geom, first)),
  );
  const still = { color: raster.color.slice(), depth: raster.depth.slice(), receiver: raster.receiver.slice() };
  const out = new Int32Array(width * height);
  const everything = fullSpans(raster.width, raster.height);
  // Where the last frame differed from the still picture, and where it painted over it in any way.
  let [last, stale] = [everything, everything];

  return (poses, ghosts) => {
    restore(raster, still, stale);
    raster.touched = emptySpans(raster.width, raster.height);
    const now = moving.map((geom) => place(geom, poses));
    const then = (ghosts?.poses ?? []).flatMap((earlier) =>
      moving.filter(({ body }) => body === ghosts?.body).map((geom) => place(geom, earlier, GHOST_SHARE)),
    );
    for (const { triangles } of now) paintShadows(stage, triangles);
    for (const one of [...now, ...then]) paintSolid(stage, one);
    for (const one of [...now, ...then]) paintEdges(stage, one);
    const veils = [...glassy.map((geom) => veilOf(place(geom, poses))), ...zones];
    const current = glassy.some((geom) => !geom.fixed) ? everything : raster.touched;
    const dirty = uniteSpans(current, last);
    raster.touched = emptySpans(raster.width, raster.height);
    raster.clip = dirty;
    for (const veil of veils) paintVeil(stage, veil);
    raster.clip = everything;
    shrink(raster, out, dirty);
    [last, stale] = [current, dirty];
    return { pixels: new Uint8ClampedArray(out.buffer), changed: halveSpans(dirty) };
  };
}

function paintStill(stage: Stage, placed: Placed[]): void {
  paintSky(stage.raster);
  for (const one of placed) paintSolid(stage, one);
  for (const { triangles } of placed) paintShadows(stage, triangles);
  for (const one of placed) paintEdges(stage, one);
}

function place(geom: DrawnGeom, poses: Poses, share = 1): Placed {
  return { geom, triangles: placeGeom(geom, poses), edges: placeLines(geom, poses), share };
}

function collectZones({ goal_zone, forbidden_zones }: Benchmark): Veil[] {
  const forbidden = Object.values(forbidden_zones).map((zone) => zoneVeil(zone, FORBIDDEN_INK));
  return [zoneVeil(goal_zone, GOAL_INK), ...forbidden];
}

function zoneVeil({ min, max }: Zone, ink: Ink): Veil {
  const middle = [0, 1, 2].map((axis) => ((min[axis] ?? 0) + (max[axis] ?? 0)) / 2);
  const own = box((max[0] - min[0]) / 2, (max[1] - min[1]) / 2, (max[2] - min[2]) / 2).triangles;
  const triangles = placeTriangles(own, middle, [1, 0, 0, 0, 1, 0, 0, 0, 1]);
  return { triangles, edges: findEdges(triangles), ink };
}

function veilOf({ geom, triangles, edges }: Placed): Veil {
  const [red, green, blue, alpha] = geom.rgba;
  return { triangles, edges, ink: { red: red * 255, green: green * 255, blue: blue * 255, share: alpha / 2 } };
}

/** A geom's edges in the world. */
function placeLines({ index, edges: lines }: DrawnGeom, { positions, rotations }: Poses): Float32Array {
  const world = new Float32Array(lines.length);
  for (let from = 0; from < lines.length; from += 3)
    for (let axis = 0; axis < 3; axis++) {
      const row = 9 * index + 3 * axis;
      world[from + axis] =
        (rotations[row] as number) * (lines[from] as number) +
        (rotations[row + 1] as number) * (lines[from + 1] as number) +
        (rotations[row + 2] as number) * (lines[from + 2] as number) +
        (positions[3 * index + axis] as number);
    }
  return world;
}

function restore(raster: Raster, still: Pick<Raster, 'color' | 'depth' | 'receiver'>, { left, right }: Spans): void {
  const { width, height, color, depth, receiver } = raster;
  for (let row = 0; row < height; row++) {
    const from = row * width + (left[row] as number);
    const end = row * width + (right[row] as number);
    if (from >= end) continue;
    color.set(still.color.subarray(4 * from, 4 * end), 4 * from);
    depth.set(still.depth.subarray(from, end), from);
    receiver.set(still.receiver.subarray(from, end), from);
  }
}
