import { decodeFrames } from '../../simulation/picture/decode.ts';
import { encodePng } from '../../simulation/picture/png.ts';

/** A video to look at: its bytes, and how many evenly spaced frames. */
export type FramesRequest = { bytes: Uint8Array; count: number };

/** The part of a picture that changed: from the upper left corner to the lower right one (included), in pixels. */
export type ChangedBox = { x: [number, number]; y: [number, number] };

/**
 * One frame as a PNG, its time in seconds on the video's clock, the share of its pixels (0 to 1) that differ from the frame
 * shown before, and where they lie; both null for the first.
 */
export type InspectedFrame = {
  time_s: number;
  png: Uint8Array;
  changed: number | null;
  changed_box: ChangedBox | null;
};

/** What was seen of a video, in pixels, seconds and frames a second. */
export type InspectedVideo = {
  width: number;
  height: number;
  duration_s: number;
  fps: number;
  codec: string;
  frames: InspectedFrame[];
};

/** The largest frame: Full HD. */
const PIXELS_MAX = 1920 * 1088;
/** By this much a channel (0 to 255) must differ to count: more than compression makes of a still picture. */
const CHANNEL_DIFFERENCE_MIN = 24;

/** Decodes frames of a video and compares each with the one before. Busy and native: only for a process of its own. */
export async function inspectFrames({ bytes, count }: FramesRequest): Promise<InspectedVideo> {
  const { frames, ...video } = await decodeFrames(bytes, { count, pixelsMax: PIXELS_MAX });
  const { width, height } = video;
  return {
    ...video,
    frames: frames.map(({ time_s, pixels }, index) => {
      const before = frames[index - 1]?.pixels;
      const { share: changed, box: changed_box } = before ? compare(before, pixels, width) : { share: null, box: null };
      return { time_s, png: encodePng(pixels, width, height), changed, changed_box };
    }),
  };
}

function compare(before: Uint8ClampedArray, after: Uint8ClampedArray, width: number) {
  let count = 0;
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let at = 0; at < after.length; at += 4) {
    if (!differs(before, after, at)) continue;
    count++;
    const pixel = at / 4;
    const x = pixel % width;
    const y = Math.floor(pixel / width);
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  const box: ChangedBox | null = count === 0 ? null : { x: [left, right], y: [top, bottom] };
  return { share: count / (after.length / 4), box };
}

function differs(before: Uint8ClampedArray, after: Uint8ClampedArray, at: number): boolean {
  for (let channel = at; channel < at + 3; channel++)
    if (Math.abs((before[channel] ?? 0) - (after[channel] ?? 0)) > CHANNEL_DIFFERENCE_MIN) return true;
  return false;
}
