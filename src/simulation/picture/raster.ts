import { coverPixel, emptySpans, fullSpans } from './spans.ts';
import type { Spans } from './spans.ts';

/**
 * A picture in the making: colour, depth and, per pixel, the plane that may catch a shadow there. Hot loops index typed arrays within
 * bounds that the callers clip to; the casts to number say so.
 */
export interface Raster {
  width: number;
  height: number;
  color: Uint8ClampedArray<ArrayBuffer>;
  /** 1 / distance; 0 is infinitely far. */
  depth: Float32Array;
  receiver: Uint8Array;
  /** Pixels that may be written. */
  clip: Spans;
  /** Pixels that were written since this was last replaced. */
  touched: Spans;
  /** The run that is handed out: one object for all, because a million a second would be garbage. */
  run: Run;
}

/** Three corners on the screen: x, y, 1/distance and brightness each. */
export type Corners = Float64Array;

/** The pixels `from` up to `end` of one row, with depth and brightness at the first and their steps from pixel to pixel. */
export interface Run {
  from: number;
  end: number;
  nearness: number;
  depthStep: number;
  light: number;
  lightStep: number;
}

/** An empty raster; sizes in pixels. */
export function createRaster(width: number, height: number): Raster {
  const pixels = width * height;
  return {
    width,
    height,
    color: new Uint8ClampedArray(pixels * 4),
    depth: new Float32Array(pixels),
    receiver: new Uint8Array(pixels),
    clip: fullSpans(width, height),
    touched: emptySpans(width, height),
    run: { from: 0, end: 0, nearness: 0.1, depthStep: 0.1, light: 0.1, lightStep: 0.1 },
  };
}

/** Twice the signed area on the screen; negative for a triangle that faces the viewer. */
export function area(c: Corners): number {
  return (
    ((c[4] as number) - (c[0] as number)) * ((c[9] as number) - (c[1] as number)) -
    ((c[8] as number) - (c[0] as number)) * ((c[5] as number) - (c[1] as number))
  );
}

/**
 * Hands out, row by row, the pixels whose centres lie in the triangle; neighbours share no pixel and leave none out. A call a row
 * and not a pixel: numbers handed to a closure are boxed, which a million times a frame would be most of the cost.
 */
export function fillTriangle(raster: Raster, c: Corners, paintRun: (run: Run) => void): void {
  const { width, height, clip, touched, run } = raster;
  const twice = area(c);
  if (!(Math.abs(twice) > 1e-9)) return;
  let top = 0;
  let middle = 4;
  let bottom = 8;
  if (yOf(c, middle) < yOf(c, top)) [top, middle] = [middle, top];
  if (yOf(c, bottom) < yOf(c, middle)) [middle, bottom] = [bottom, middle];
  if (yOf(c, middle) < yOf(c, top)) [top, middle] = [middle, top];
  const firstRow = Math.max(0, Math.ceil(yOf(c, top) - 0.5));
  const endRow = Math.min(height, Math.ceil(yOf(c, bottom) - 0.5));
  if (firstRow >= endRow) return;
  const depthX = slopeX(c, 2) / twice;
  const depthY = slopeY(c, 2) / twice;
  const lightX = slopeX(c, 3) / twice;
  const lightY = slopeY(c, 3) / twice;
  const longStep = stepOf(c, top, bottom);
  const upperStep = stepOf(c, top, middle);
  const lowerStep = stepOf(c, middle, bottom);
  for (let row = firstRow; row < endRow; row++) {
    if ((clip.left[row] as number) >= (clip.right[row] as number)) continue;
    const y = row + 0.5;
    const long = (c[top] as number) + longStep * (y - yOf(c, top));
    const short =
      y < yOf(c, middle)
        ? (c[top] as number) + upperStep * (y - yOf(c, top))
        : (c[middle] as number) + lowerStep * (y - yOf(c, middle));
    const start = Math.max(clip.left[row] as number, Math.ceil(Math.min(long, short) - 0.5));
    const end = Math.min(clip.right[row] as number, Math.ceil(Math.max(long, short) - 0.5));
    if (start >= end) continue;
    if (start < (touched.left[row] as number)) touched.left[row] = start;
    if (end > (touched.right[row] as number)) touched.right[row] = end;
    const dx = start + 0.5 - (c[0] as number);
    const dy = y - (c[1] as number);
    run.from = row * width + start;
    run.end = row * width + end;
    run.nearness = (c[2] as number) + depthX * dx + depthY * dy;
    run.depthStep = depthX;
    run.light = (c[3] as number) + lightX * dx + lightY * dy;
    run.lightStep = lightX;
    paintRun(run);
  }
}

/** Ends of a line on the screen: x, y and 1/distance of both. */
export type Ends = Float64Array;

/** A colour, 0 to 255, and the share of it that covers what was there. */
export interface Ink {
  red: number;
  green: number;
  blue: number;
  share: number;
}

/** How a line is drawn: its ink, and its width in pixels of the raster. */
export interface Pen extends Ink {
  width: number;
}

/** A line on a surface must not sink into it, nor one behind it shine through. */
const LINE_BIAS = 1.002;

/** Draws a line where nothing nearer is. */
export function drawLine(raster: Raster, ends: Ends, pen: Pen): void {
  const { width, height, clip, touched, color, depth } = raster;
  const x0 = ends[0] as number;
  const y0 = ends[1] as number;
  const n0 = ends[2] as number;
  const x1 = ends[3] as number;
  const y1 = ends[4] as number;
  const n1 = ends[5] as number;
  const steps = Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0)));
  // Also drops what is not finite, and what is so near that it would run far off the picture.
  if (!(steps > 0 && steps < 4 * (width + height))) return;
  const across = Math.abs(x1 - x0) > Math.abs(y1 - y0) ? width : 1;
  for (let step = 0; step <= steps; step++) {
    const share = step / steps;
    const nearness = (n0 + (n1 - n0) * share) * LINE_BIAS;
    for (let offset = 0; offset < pen.width; offset++) {
      const column = Math.floor(x0 + (x1 - x0) * share) + (across === 1 ? offset : 0);
      const row = Math.floor(y0 + (y1 - y0) * share) + (across === 1 ? 0 : offset);
      if (row < 0 || row >= height || column < (clip.left[row] as number) || column >= (clip.right[row] as number))
        continue;
      const pixel = row * width + column;
      if (nearness < (depth[pixel] as number)) continue;
      coverPixel(touched, row, column);
      blend(color, 4 * pixel, pen);
    }
  }
}

/** Mixes ink into the pixel that begins at `to`. */
export function blend(color: Uint8ClampedArray, to: number, { red, green, blue, share }: Ink): void {
  color[to] = (color[to] as number) + (red - (color[to] as number)) * share;
  color[to + 1] = (color[to + 1] as number) + (green - (color[to + 1] as number)) * share;
  color[to + 2] = (color[to + 2] as number) + (blue - (color[to + 2] as number)) * share;
}

const MASK = 0xff00ff;

/** Averages the 2 × 2 blocks within the spans, which cover whole blocks, into `out`: two channels of a packed pixel at a time. */
export function shrink({ width, height, color }: Raster, out: Int32Array, { left, right }: Spans): void {
  const packed = new Int32Array(color.buffer);
  for (let row = 0; row < height; row += 2) {
    const start = left[row] as number;
    const first = row * width;
    let to = (first >> 2) + (start >> 1);
    for (let at = first + start, end = first + (right[row] as number); at < end; at += 2, to++) {
      const a = packed[at] as number;
      const b = packed[at + 1] as number;
      const c = packed[at + width] as number;
      const d = packed[at + width + 1] as number;
      const even = (a & MASK) + (b & MASK) + (c & MASK) + (d & MASK);
      const odd = ((a >>> 8) & MASK) + ((b >>> 8) & MASK) + ((c >>> 8) & MASK) + ((d >>> 8) & MASK);
      out[to] = ((even >>> 2) & MASK) | (((odd >>> 2) & MASK) << 8);
    }
  }
}

const yOf = (c: Corners, corner: number) => c[corner + 1] as number;

const slopeX = (c: Corners, k: number) =>
  ((c[4 + k] as number) - (c[k] as number)) * ((c[9] as number) - (c[1] as number)) -
  ((c[8 + k] as number) - (c[k] as number)) * ((c[5] as number) - (c[1] as number));

const slopeY = (c: Corners, k: number) =>
  ((c[8 + k] as number) - (c[k] as number)) * ((c[4] as number) - (c[0] as number)) -
  ((c[4 + k] as number) - (c[k] as number)) * ((c[8] as number) - (c[0] as number));

/** The step in x from row to row along the side from corner i down to corner j. */
const stepOf = (c: Corners, i: number, j: number) => ((c[j] as number) - (c[i] as number)) / (yOf(c, j) - yOf(c, i));
