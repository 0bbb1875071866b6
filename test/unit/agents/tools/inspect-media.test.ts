// What an agent learns of pictures, from videos that are encoded here: a square that jumps between frames and then rests.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { encodePng } from '../../../../src/simulation/picture/png.ts';
import { fullSpans } from '../../../../src/simulation/picture/spans.ts';
import { encodeVideo } from '../../../../src/simulation/picture/video.ts';
import { imageSize } from '../../../../src/agents/tools/inspect-media-image.ts';
import { inspectVideo } from '../../../../src/agents/tools/inspect-media-run.ts';
import { inspectMedia } from '../../../../src/agents/tools/inspect-media.ts';
import { createWorkbench } from './tool-context.ts';

const [WIDTH, HEIGHT, FPS, FRAMES] = [160, 120, 10, 40];
const SQUARE = 20;

/** 4 s: the square stands at x = 20 for the first half and at x = 100 for the second. */
const jumping = () =>
  encodeVideo({
    width: WIDTH,
    height: HEIGHT,
    fps: FPS,
    frames: FRAMES,
    paint: (frame) => ({ pixels: picture(frame < FRAMES / 2 ? 20 : 100), changed: fullSpans(WIDTH, HEIGHT) }),
  });

function picture(left: number) {
  const pixels = new Uint8ClampedArray(WIDTH * HEIGHT * 4).fill(230);
  for (let y = 40; y < 40 + SQUARE; y++)
    for (let x = left; x < left + SQUARE; x++) pixels.set([40, 60, 210, 255], 4 * (y * WIDTH + x));
  return pixels;
}

async function workbenchWith(path: string, bytes: Uint8Array) {
  const bench = await createWorkbench();
  await bench.files.writeStream(path, Readable.from([bytes]));
  return bench;
}

test('a video is shown as evenly spaced frames, with their times and what moved between them', async () => {
  await using bench = await workbenchWith('/renders/sim-31/sim.mp4', await jumping());
  const { content, result } = await bench.call(inspectMedia, { path: '/renders/sim-31/sim.mp4' });
  expect(result).toMatchObject({ width: WIDTH, height: HEIGHT, fps: FPS, media_kind: 'video', mime_type: 'video/mp4' });
  const frames = result?.['frames'] as { time_s: number; changed: number | null; changed_box: object | null }[];
  expect(frames.map(({ time_s }) => time_s)).toEqual([0, 1.3, 2.6, 3.9]);
  const changed = frames.map(({ changed }) => changed ?? -1);
  expect(changed[0]).toBe(-1);
  expect(changed[1]).toBe(0);
  // The square left one place and came to another.
  expect(changed[2]).toBeCloseTo((2 * SQUARE * SQUARE) / (WIDTH * HEIGHT), 2);
  expect(changed[3]).toBe(0);
  expect(content).toMatch(
    /sim-t1\.30\.png · t = 1\.30 s · nothing moved\n.*t = 2\.60 s · 4\.\d+ % moved, within x \d+–\d+/,
  );
});

test('frames are kept beside the video as PNGs, on its clock', async () => {
  await using bench = await workbenchWith('/renders/sim-31/sim.mp4', await jumping());
  await bench.call(inspectMedia, { path: '/renders/sim-31/sim.mp4', frames: 2 });
  expect(bench.rendered.map(({ path }) => path)).toEqual([
    '/renders/sim-31/frames/sim-t0.00.png',
    '/renders/sim-31/frames/sim-t3.90.png',
  ]);
  expect(bench.rendered[1]?.clock).toEqual({ kind: 'sim', t0: 3.9, fps: FPS, frames: 1 });
  const png = await bench.files.readBytes('/renders/sim-31/frames/sim-t3.90.png');
  expect(imageSize(png)).toEqual({ width: WIDTH, height: HEIGHT, mime_type: 'image/png' });
  expect(bench.used).toEqual(['/renders/sim-31/sim.mp4']);
});

test('the frames of a video in the workspace go below /renders, without a clock', async () => {
  await using bench = await workbenchWith('/film.mp4', await jumping());
  await bench.call(inspectMedia, { path: 'film.mp4', frames: 1 });
  expect(bench.rendered).toEqual([
    { path: '/renders/inspect-31/frames/film-t2.00.png', sha256: expect.any(String), clock: undefined },
  ]);
});

test('looking at a video leaves the event loop free', async () => {
  await using bench = await workbenchWith('/film.mp4', await jumping());
  const loop = monitorEventLoopDelay({ resolution: 10 });
  loop.enable();
  await bench.call(inspectMedia, { path: '/film.mp4', frames: 12 });
  loop.disable();
  expect(loop.max / 1e6).toBeLessThan(200);
});

test('a look at a video that is no longer wanted ends at once', async () => {
  const controller = new AbortController();
  const looking = inspectVideo({ bytes: await jumping(), count: 12 }, controller.signal);
  controller.abort();
  await expect(looking).rejects.toMatchObject({ code: 'cancelled' });
  await expect(inspectVideo({ bytes: new Uint8Array(), count: 1 }, controller.signal)).rejects.toMatchObject({
    code: 'cancelled',
  });
});

test('of an image the size is told', async () => {
  await using bench = await workbenchWith('/poster.png', encodePng(picture(20), WIDTH, HEIGHT));
  const { content, result } = await bench.call(inspectMedia, { path: '/poster.png' });
  expect(result).toMatchObject({ width: WIDTH, height: HEIGHT, media_kind: 'image' });
  expect(content).toMatch(/^\/poster\.png: image\/png, 160 × 120 pixels/);
});

test('sizes of JPEG and GIF images are read from their headers', () => {
  const gif = Buffer.concat([Buffer.from('GIF89a'), Buffer.from([64, 1, 240, 0])]);
  expect(imageSize(gif)).toEqual({ width: 320, height: 240, mime_type: 'image/gif' });
  const app0 = Buffer.from([0xff, 0xe0, 0, 4, 1, 2]);
  const frame = Buffer.from([0xff, 0xc2, 0, 17, 8, 0, 200, 1, 44, 3]);
  const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8]), app0, frame]);
  expect(imageSize(jpeg)).toEqual({ width: 300, height: 200, mime_type: 'image/jpeg' });
});

test.each([
  ['/broken.mp4', 'no film'],
  ['/empty.mp4', ''],
  ['/broken.png', 'no picture'],
  ['/notes.md', '# notes'],
])('%s is refused as what it is not, in words for the agent', async (path, text) => {
  await using bench = await workbenchWith(path, Buffer.from(text));
  await expect(bench.call(inspectMedia, { path })).rejects.toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining(path),
  });
});

test('a video whose end is cut off is refused or shown, and harms nobody', async () => {
  const bytes = await jumping();
  await using bench = await workbenchWith('/cut.mp4', bytes.subarray(0, bytes.length / 2));
  const outcome = await bench.call(inspectMedia, { path: '/cut.mp4' }).then(
    () => 'shown',
    ({ code }: { code: string }) => code,
  );
  expect(['shown', 'invalid_argument']).toContain(outcome);
});
