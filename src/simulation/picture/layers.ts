import { dot } from './camera.ts';
import { area, blend, drawLine, fillTriangle } from './raster.ts';
import { TRIANGLE_FLOATS } from './tessellate.ts';
import type { DrawnGeom } from './drawn-geoms.ts';
import type { Ink, Pen, Raster } from './raster.ts';
import type { Stage } from './shadows.ts';

/** A geom as it stands in the world: its triangles and its edges, and the share (0 to 1) of it that covers what was there. */
export interface Placed {
  geom: DrawnGeom;
  triangles: Float32Array;
  edges: Float32Array;
  share: number;
}

/** Something translucent in the world. */
export interface Veil {
  triangles: Float32Array;
  edges: Float32Array;
  ink: Ink;
}

const SKY = { top: [206, 218, 233], bottom: [244, 247, 250] } as const;
const EDGE_PEN: Pen = { red: 25, green: 30, blue: 40, share: 0.55, width: 1 };
/** A veil's edges are darker than its faces, and hide what they cross. */
const VEIL_EDGE = { brightness: 0.7, share: 0.9, width: 2 };
/** A veil's face on the ground must not flicker. */
const COPLANAR = 1.0005;
/** Two normals whose scalar product is greater are the same. */
const SAME_COSINE = 0.999;

/** Paints what is nearest, lit, and notes which plane each pixel shows. */
export function paintSolid({ raster, projection, receivers }: Stage, { geom, triangles, share }: Placed): void {
  const { color, depth, receiver } = raster;
  const [red, green, blue] = [geom.rgba[0] * 255, geom.rgba[1] * 255, geom.rgba[2] * 255];
  const index = receivers.findIndex((one) => one.geom === geom);
  const level = receivers[index]?.normal;
  for (let from = 0, face = 0; from < triangles.length; from += TRIANGLE_FLOATS, face++) {
    const corners = projection.triangle(triangles, from);
    // Behind the camera, or facing away.
    if (corners === undefined || area(corners) >= 0) continue;
    const tint = geom.tints?.[face] ?? 1;
    const id = level !== undefined && dot(level, triangles.subarray(from + 3, from + 6)) > SAME_COSINE ? index + 1 : 0;
    fillTriangle(raster, corners, (run) => {
      const { end, depthStep, lightStep } = run;
      let { nearness, light } = run;
      for (let pixel = run.from; pixel < end; pixel++, nearness += depthStep, light += lightStep) {
        if (nearness <= (depth[pixel] as number)) continue;
        depth[pixel] = nearness;
        receiver[pixel] = id;
        // As `blend` does, without an ink a pixel.
        const to = 4 * pixel;
        const lit = light * tint;
        color[to] = (color[to] as number) + (red * lit - (color[to] as number)) * share;
        color[to + 1] = (color[to + 1] as number) + (green * lit - (color[to + 1] as number)) * share;
        color[to + 2] = (color[to + 2] as number) + (blue * lit - (color[to + 2] as number)) * share;
      }
    });
  }
}

/** Draws a geom's edges where nothing nearer is. */
export function paintEdges(stage: Stage, { edges, share }: Placed): void {
  drawLines(stage, edges, { ...EDGE_PEN, share: EDGE_PEN.share * share });
}

/** Tints what is seen through a veil, and draws its edges. */
export function paintVeil(stage: Stage, { triangles, edges, ink }: Veil): void {
  const { raster, projection } = stage;
  const { color, depth } = raster;
  for (let from = 0; from < triangles.length; from += TRIANGLE_FLOATS) {
    const corners = projection.triangle(triangles, from);
    if (corners === undefined) continue;
    fillTriangle(raster, corners, (run) => {
      const { end, depthStep } = run;
      let { nearness } = run;
      for (let pixel = run.from; pixel < end; pixel++, nearness += depthStep)
        if (nearness > (depth[pixel] as number) * COPLANAR) blend(color, 4 * pixel, ink);
    });
  }
  const { brightness, share, width } = VEIL_EDGE;
  drawLines(stage, edges, {
    red: ink.red * brightness,
    green: ink.green * brightness,
    blue: ink.blue * brightness,
    share,
    width,
  });
}

function drawLines({ raster, projection }: Stage, lines: Float32Array, pen: Pen): void {
  for (let from = 0; from < lines.length; from += 6) {
    const ends = projection.line(lines, from);
    if (ends !== undefined) drawLine(raster, ends, pen);
  }
}

/** Fills the raster with the sky, lighter towards the bottom. */
export function paintSky({ width, height, color }: Raster): void {
  for (let row = 0; row < height; row++) {
    const [red, green, blue] = SKY.top.map(
      (top, channel) => top + (((SKY.bottom[channel] ?? top) - top) * row) / height,
    ) as [number, number, number];
    for (let to = 4 * row * width, end = to + 4 * width; to < end; to += 4) {
      color[to] = red;
      color[to + 1] = green;
      color[to + 2] = blue;
      color[to + 3] = 255;
    }
  }
}
