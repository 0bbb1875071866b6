import { createCanvas, ImageData } from '@napi-rs/canvas';

/** RGBA bytes as a PNG. The same pixels give the same bytes. */
export function encodePng(pixels: Uint8ClampedArray<ArrayBuffer>, width: number, height: number): Uint8Array {
  const canvas = createCanvas(width, height);
  canvas.getContext('2d').putImageData(new ImageData(pixels, width, height), 0, 0);
  return canvas.toBuffer('image/png');
}
