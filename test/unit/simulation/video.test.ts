import { describe, expect, it } from 'vitest';
import { fullSpans } from '../../../src/simulation/picture/spans.ts';
import { encodeVideo } from '../../../src/simulation/picture/video.ts';
import { decodeVideo } from './decode-video.ts';

const [WIDTH, HEIGHT] = [64, 64];
const COLORS = [
  [220, 40, 40],
  [30, 190, 60],
  [40, 60, 210],
  [250, 210, 50],
  [245, 245, 245],
] as const;

function plain([red, green, blue]: readonly [number, number, number]) {
  const pixels = new Uint8ClampedArray(WIDTH * HEIGHT * 4);
  for (let at = 0; at < pixels.length; at += 4) pixels.set([red, green, blue, 255], at);
  return { pixels, changed: fullSpans(WIDTH, HEIGHT) };
}

describe('a video', () => {
  it('shows the colours that were painted, frame by frame', async () => {
    const paint = (frame: number) => plain(COLORS[frame] ?? [0, 0, 0]);
    const bytes = await encodeVideo({ width: WIDTH, height: HEIGHT, fps: 30, frames: COLORS.length, paint });
    const { frames } = await decodeVideo(bytes);
    expect(frames.length).toBe(COLORS.length);
    const middle = 4 * (WIDTH * (HEIGHT / 2) + WIDTH / 2);
    for (const [index, color] of COLORS.entries())
      for (const channel of [0, 1, 2])
        expect(Math.abs((frames[index]?.[middle + channel] ?? NaN) - (color[channel] ?? 0))).toBeLessThan(12);
  });
});
