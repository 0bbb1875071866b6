import * as codecs from '@napi-rs/webcodecs';
import { ALL_FORMATS, BufferSource, Input, VideoSampleSink } from 'mediabunny';
import { AppError } from '../../errors.ts';
import { showFrame } from './shown-frame.ts';

/** A frame of a video: when it is shown, in seconds from the video's beginning, and its RGBA bytes. */
export type DecodedFrame = { time_s: number; pixels: Uint8ClampedArray<ArrayBuffer> };

/** A video and some of its frames, in pixels, seconds and frames a second. */
export type DecodedFrames = {
  width: number;
  height: number;
  duration_s: number;
  fps: number;
  codec: string;
  frames: DecodedFrame[];
};

/**
 * Decodes so many frames of a video, evenly spaced from its first to its last (one: the middle); fewer where it has fewer.
 * Throws `invalid_argument` for what is no video or cannot be decoded, `resource_exhausted` above `pixelsMax` a frame. It
 * installs codecs in the global scope and uses native threads: only for a process of its own.
 */
export async function decodeFrames(
  bytes: Uint8Array,
  { count, pixelsMax }: { count: number; pixelsMax: number },
): Promise<DecodedFrames> {
  installDecoder();
  const input = new Input({ formats: ALL_FORMATS, source: new BufferSource(bytes) });
  const track = await input.getPrimaryVideoTrack().catch((error: unknown) => {
    throw new AppError('invalid_argument', 'it is not a video that can be read', { cause: error });
  });
  const codec = await track?.getCodecParameterString();
  if (!track || !codec || !(await track.canDecode()))
    throw new AppError('invalid_argument', 'it holds no video that can be decoded');
  const width = await track.getDisplayWidth();
  const height = await track.getDisplayHeight();
  const coded = (await track.getCodedWidth()) * (await track.getCodedHeight());
  if (Math.max(width * height, coded) > pixelsMax)
    throw new AppError(
      'resource_exhausted',
      `its frames have ${width} × ${height} pixels; at most ${pixelsMax} can be shown`,
    );
  const presentation = {
    wide: await track.getSquarePixelWidth(),
    high: await track.getSquarePixelHeight(),
    rotation: await track.getRotation(),
    flip: await track.getFlip(),
  };
  const duration_s = await track.computeDuration();
  const { averagePacketRate: fps } = await track.computePacketStats();
  const frames: DecodedFrame[] = [];
  for await (const sample of new VideoSampleSink(track).samplesAtTimestamps(timesOf({ duration_s, fps, count }))) {
    if (sample === null) continue;
    const { timestamp: time_s } = sample;
    if (frames.at(-1)?.time_s !== time_s) {
      const { pixels } = await showFrame(sample, presentation);
      frames.push({ time_s, pixels });
    }
    sample.close();
  }
  return { width, height, duration_s, fps, codec, frames };
}

/** Times in the middle of frames, so that rounding never picks the neighbour. */
function timesOf({ duration_s, fps, count }: { duration_s: number; fps: number; count: number }): number[] {
  const half = 0.5 / fps;
  if (count === 1) return [duration_s / 2];
  const last = Math.max(half, duration_s - half);
  return Array.from({ length: count }, (_, index) => half + ((last - half) * index) / (count - 1));
}

/** mediabunny looks for the browser's WebCodecs in the global scope. */
function installDecoder(): void {
  const { VideoDecoder, VideoFrame, EncodedVideoChunk } = codecs;
  Object.assign(globalThis, { VideoDecoder, VideoFrame, EncodedVideoChunk });
}
