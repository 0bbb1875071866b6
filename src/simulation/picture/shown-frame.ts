import type { VideoSample } from 'mediabunny';

/** What a frame says of its colours, where it does; the types that mediabunny refers to are a browser's. */
interface ColorTags {
  matrix: string | null;
  fullRange: boolean | null;
}

/** RGBA bytes of a picture, and its size in pixels. */
export interface Shown {
  pixels: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
}

/** An object, because the types that mediabunny refers to do not know `format` yet. */
const RGBA: object = { format: 'RGBA' };
/** From this height on, a video that does not say by which matrix its colours are coded is taken for HD, as players do. */
const HD_HEIGHT_MIN = 720;
/** The shares of red and blue in brightness, by the name of the matrix. */
const BT709 = { red: 0.2126, blue: 0.0722 };
const BT601 = { red: 0.299, blue: 0.114 };
const MATRICES: Record<string, typeof BT709> = {
  bt709: BT709,
  bt470bg: BT601,
  smpte170m: BT601,
  'bt2020-ncl': { red: 0.2627, blue: 0.0593 },
};

/** How a file says that its frames are shown: their size in square pixels, then turned clockwise (degrees), then mirrored. */
export interface Presentation {
  wide: number;
  high: number;
  rotation: number;
  flip: boolean;
}

/** A decoded frame as a player shows it: in its colours, by square pixels, turned and mirrored as its file says. */
export async function showFrame(sample: VideoSample, presentation: Presentation): Promise<Shown> {
  const { width, height } = sample.visibleRect;
  const pixels = sample.format === 'I420' ? await convert(sample) : await read(sample);
  return upright({ pixels, width, height }, presentation);
}

async function read(sample: VideoSample): Promise<Shown['pixels']> {
  const bytes = new Uint8Array(sample.allocationSize(RGBA));
  await sample.copyTo(bytes, RGBA);
  return new Uint8ClampedArray(bytes.buffer);
}

/** From Y'CbCr, by the frame's own matrix and range: the codec's own conversion takes every frame for BT.601. */
async function convert(sample: VideoSample): Promise<Shown['pixels']> {
  const { width, height } = sample.visibleRect;
  const { matrix, fullRange } = sample.colorSpace as ColorTags;
  const { red, blue } = MATRICES[matrix ?? ''] ?? (height >= HD_HEIGHT_MIN ? BT709 : BT601);
  const planes = new Uint8Array(sample.allocationSize());
  const [luma, second, third] = await sample.copyTo(planes);
  if (luma === undefined || second === undefined || third === undefined) return read(sample);
  const [floor, gain, swing] = fullRange === true ? [0, 1, 1] : [16, 255 / 219, 255 / 224];
  const pixels = new Uint8ClampedArray(4 * width * height);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to += 4) {
      const level = ((planes[luma.offset + y * luma.stride + x] as number) - floor) * gain;
      const chroma = (plane: typeof second) =>
        ((planes[plane.offset + (y >> 1) * plane.stride + (x >> 1)] as number) - 128) * swing;
      const [b, r] = [level + 2 * (1 - blue) * chroma(second), level + 2 * (1 - red) * chroma(third)];
      pixels[to] = r;
      pixels[to + 1] = (level - red * r - blue * b) / (1 - red - blue);
      pixels[to + 2] = b;
      pixels[to + 3] = 255;
    }
  return pixels;
}

function upright({ pixels, width, height }: Shown, presentation: Presentation): Shown {
  const { wide, high, rotation, flip } = presentation;
  if (wide === width && high === height && rotation === 0 && !flip) return { pixels, width, height };
  const [shownWidth, shownHeight] = rotation % 180 === 0 ? [wide, high] : [high, wide];
  const from = new Uint32Array(pixels.buffer);
  const shown = new Uint32Array(shownWidth * shownHeight);
  for (let row = 0, to = 0; row < shownHeight; row++)
    for (let column = 0; column < shownWidth; column++, to++) {
      const x = flip ? shownWidth - 1 - column : column;
      const [u, v] = turnedBack({ x, y: row }, presentation);
      shown[to] = from[Math.floor(((v + 0.5) * height) / high) * width + Math.floor(((u + 0.5) * width) / wide)] ?? 0;
    }
  return { pixels: new Uint8ClampedArray(shown.buffer), width: shownWidth, height: shownHeight };
}

/** Where a pixel of the turned picture was before. */
function turnedBack({ x, y }: { x: number; y: number }, { wide, high, rotation }: Presentation): [number, number] {
  if (rotation === 90) return [y, high - 1 - x];
  if (rotation === 180) return [wide - 1 - x, high - 1 - y];
  if (rotation === 270) return [wide - 1 - y, x];
  return [x, y];
}
