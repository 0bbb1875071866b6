import { uniteSpans } from './spans.ts';
import type { Picture } from './painter.ts';

/** Planar YUV 4:2:0 of one size, brought up to date picture by picture: only what changed is converted. */
export interface I420 {
  bytes: Uint8Array;
  update(picture: Picture): void;
}

/** What the bytes mean: BT.601, limited range, as players assume for pictures of this size. */
export const I420_COLOR_SPACE = {
  primaries: 'smpte170m',
  transfer: 'smpte170m',
  matrix: 'smpte170m',
  fullRange: false,
} as const;

/** An I420 buffer; width and height in pixels, even. The encoder would convert whole pictures, which costs as much as to encode them. */
export function createI420(width: number, height: number): I420 {
  const bytes = new Uint8Array(width * height * 1.5);
  const luma = bytes.subarray(0, width * height);
  const blue = bytes.subarray(width * height, width * height * 1.25);
  const red = bytes.subarray(width * height * 1.25);
  return {
    bytes,
    update({ pixels, changed }) {
      const packed = new Int32Array(pixels.buffer);
      const { left, right } = uniteSpans(changed, changed);
      for (let row = 0; row < height; row += 2) {
        const end = row * width + (right[row] as number);
        let chroma = (row >> 1) * (width >> 1) + ((left[row] as number) >> 1);
        for (let at = row * width + (left[row] as number); at < end; at += 2, chroma++) {
          const a = packed[at] as number;
          const b = packed[at + 1] as number;
          const c = packed[at + width] as number;
          const d = packed[at + width + 1] as number;
          luma[at] = lumaOf(a);
          luma[at + 1] = lumaOf(b);
          luma[at + width] = lumaOf(c);
          luma[at + width + 1] = lumaOf(d);
          const r = ((a & 255) + (b & 255) + (c & 255) + (d & 255)) >> 2;
          const g = (((a >> 8) & 255) + ((b >> 8) & 255) + ((c >> 8) & 255) + ((d >> 8) & 255)) >> 2;
          const u = (((a >> 16) & 255) + ((b >> 16) & 255) + ((c >> 16) & 255) + ((d >> 16) & 255)) >> 2;
          blue[chroma] = ((-38 * r - 74 * g + 112 * u + 128) >> 8) + 128;
          red[chroma] = ((112 * r - 94 * g - 18 * u + 128) >> 8) + 128;
        }
      }
    },
  };
}

/** Of a packed RGBA pixel, little-endian. */
const lumaOf = (pixel: number) =>
  ((66 * (pixel & 255) + 129 * ((pixel >> 8) & 255) + 25 * ((pixel >> 16) & 255) + 128) >> 8) + 16;
