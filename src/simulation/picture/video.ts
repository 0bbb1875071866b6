import * as codecs from '@napi-rs/webcodecs';
import { BufferTarget, Mp4OutputFormat, Output, Quality, VideoSample, VideoSampleSource } from 'mediabunny';
import { AppError } from '../../errors.ts';
import { createI420, I420_COLOR_SPACE } from './i420.ts';
import type { Picture } from './painter.ts';

/** A video to encode: frames are asked for one by one, in order, and may be overwritten by the next. */
export interface VideoOptions {
  width: number;
  height: number;
  fps: number;
  frames: number;
  paint: (frame: number) => Picture;
}

const BITS_PER_S = 1.5e6;

/**
 * The frames as H.264 in an MP4 with its index in front (fast start). The same frames give the same bytes on machines with
 * equally many cores: x264 cuts a picture into as many slices as it has threads.
 */
export async function encodeVideo({ width, height, fps, frames, paint }: VideoOptions): Promise<Uint8Array> {
  installCodecs();
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'in-memory' }), target });
  const source = new VideoSampleSource({ codec: 'avc', quality: new Quality({ bitrate: BITS_PER_S }) });
  output.addVideoTrack(source, { frameRate: fps });
  await output.start();
  const i420 = createI420(width, height);
  for (let frame = 0; frame < frames; frame++) {
    const timing = { timestamp: frame / fps, duration: 1 / fps };
    i420.update(paint(frame));
    const layout = { format: 'I420', codedWidth: width, codedHeight: height, colorSpace: I420_COLOR_SPACE } as const;
    const sample = new VideoSample(i420.bytes, { ...layout, ...timing });
    // Waits while the encoder is full.
    await source.add(sample);
    sample.close();
  }
  await output.finalize();
  if (target.buffer === null) throw new AppError('internal', 'the encoder gave no video');
  const bytes = new Uint8Array(target.buffer);
  clearTimes(bytes);
  return bytes;
}

/** mediabunny looks for the browser's WebCodecs in the global scope. Only a simulation's own process calls this. */
function installCodecs(): void {
  const { VideoEncoder, VideoFrame, EncodedVideoChunk } = codecs;
  Object.assign(globalThis, { VideoEncoder, VideoFrame, EncodedVideoChunk });
}

/** Boxes that hold others, and boxes that begin with version, flags, creation and modification time (ISO/IEC 14496-12). */
const CONTAINERS = new Set(['moov', 'trak', 'mdia']);
const DATED = new Set(['mvhd', 'tkhd', 'mdhd']);
const BOX_HEADER_BYTES = 8;

/** Sets the creation and modification times in an MP4 to 0, which stands for unknown: else no two encodings are the same. */
function clearTimes(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let from = 0; from + BOX_HEADER_BYTES <= bytes.length;) {
    const size = view.getUint32(from);
    const type = String.fromCharCode(...bytes.subarray(from + 4, from + 8));
    const content = from + BOX_HEADER_BYTES;
    if (DATED.has(type)) bytes.fill(0, content + 4, content + 4 + (bytes[content] === 1 ? 16 : 8));
    if (CONTAINERS.has(type)) clearTimes(bytes.subarray(content, from + size));
    // 0 and 1 announce sizes that only a last or huge box has, which come after all dated ones.
    if (size < BOX_HEADER_BYTES) return;
    from += size;
  }
}
