// How videos of other makers are shown: encoded here with a red quarter at the upper left of a green picture.
import * as codecs from '@napi-rs/webcodecs';
import { BufferTarget, Mp4OutputFormat, Output, Quality, VideoSample, VideoSampleSource } from 'mediabunny';
import { expect, test } from 'vitest';
import { decodeFrames } from '../../../src/simulation/picture/decode.ts';

const [WIDTH, HEIGHT] = [160, 120];
const [RED, GREEN] = [
  [220, 30, 30],
  [30, 200, 60],
] as const;
type Color = readonly [number, number, number];
const SHARES = { bt709: [0.2126, 0.0722], smpte170m: [0.299, 0.114] } as const;
type Matrix = keyof typeof SHARES;

/** Limited range, as nearly all videos are. */
function coded([r, g, b]: Color, matrix: Matrix): Color {
  const [red, blue] = SHARES[matrix];
  const level = red * r + (1 - red - blue) * g + blue * b;
  const chroma = (value: number, share: number) => Math.round(128 + ((224 / 255) * (value - level)) / (2 - 2 * share));
  return [Math.round(16 + (219 / 255) * level), chroma(b, blue), chroma(r, red)];
}

interface Made {
  track?: object;
  sample?: object;
  matrix?: Matrix;
}

async function videoOf({ track = {}, sample = {}, matrix = 'smpte170m' }: Made): Promise<Uint8Array> {
  const { VideoEncoder, VideoFrame, EncodedVideoChunk } = codecs;
  Object.assign(globalThis, { VideoEncoder, VideoFrame, EncodedVideoChunk });
  const bytes = new Uint8Array(WIDTH * HEIGHT * 1.5);
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++) {
      const [level, blue, red] = coded(x < WIDTH / 2 && y < HEIGHT / 2 ? RED : GREEN, matrix);
      const chroma = (y >> 1) * (WIDTH >> 1) + (x >> 1);
      bytes[y * WIDTH + x] = level;
      bytes[WIDTH * HEIGHT + chroma] = blue;
      bytes[WIDTH * HEIGHT * 1.25 + chroma] = red;
    }
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'in-memory' }), target });
  const source = new VideoSampleSource({ codec: 'avc', quality: new Quality({ bitrate: 1e6 }) });
  output.addVideoTrack(source, { frameRate: 10, ...track });
  await output.start();
  const colorSpace = { primaries: matrix, transfer: matrix, matrix, fullRange: false };
  const layout = { format: 'I420', codedWidth: WIDTH, codedHeight: HEIGHT, colorSpace, ...sample } as const;
  for (let frame = 0; frame < 5; frame++) {
    const picture = new VideoSample(bytes.slice(), { ...layout, timestamp: frame / 10, duration: 0.1 });
    await source.add(picture);
    picture.close();
  }
  await output.finalize();
  return new Uint8Array(target.buffer ?? new ArrayBuffer(0));
}

/** The size of the shown picture, and which of its corners are red. */
async function shown(made: Made) {
  const { width, height, frames } = await decodeFrames(await videoOf(made), { count: 1, pixelsMax: 1e6 });
  const pixels = frames[0]?.pixels ?? new Uint8ClampedArray();
  expect(pixels).toHaveLength(4 * width * height);
  const corners = { 'upper left': [5, 5], 'upper right': [width - 6, 5], 'lower left': [5, height - 6] } as const;
  const red = Object.entries(corners).filter(([, [x, y]]) => {
    const color = [...pixels.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)];
    const isRed = (color[0] ?? 0) > 128;
    // Compression is allowed two steps.
    (isRed ? RED : GREEN).forEach((value, channel) =>
      expect(Math.abs((color[channel] ?? NaN) - value)).toBeLessThan(3),
    );
    return isRed;
  });
  return { size: [width, height], red: red.map(([name]) => name) };
}

test.each([
  { how: 'as it is', made: {}, size: [160, 120], corner: 'upper left' },
  { how: 'in the colours of BT.709', made: { matrix: 'bt709' }, size: [160, 120], corner: 'upper left' },
  { how: 'turned by 90°', made: { track: { rotation: 90 } }, size: [120, 160], corner: 'upper right' },
  { how: 'turned by 270°', made: { track: { rotation: 270 } }, size: [120, 160], corner: 'lower left' },
  { how: 'mirrored', made: { track: { flip: true } }, size: [160, 120], corner: 'upper right' },
  {
    how: 'by pixels twice as wide as high',
    made: { sample: { displayWidth: 320, displayHeight: 120 } },
    size: [320, 120],
    corner: 'upper left',
  },
] satisfies { how: string; made: Made; size: number[]; corner: string }[])(
  'a video is shown $how',
  async ({ made, size, corner }) => {
    expect(await shown(made)).toEqual({ size, red: [corner] });
  },
);
