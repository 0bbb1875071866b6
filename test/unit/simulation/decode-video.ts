import * as codecs from '@napi-rs/webcodecs';
import { ALL_FORMATS, BufferSource, Input, VideoSampleSink } from 'mediabunny';

/** A decoded MP4: its boxes in order, and every frame as RGBA bytes. */
export interface DecodedVideo {
  boxes: string[];
  codec: string | null;
  width: number;
  height: number;
  duration_s: number;
  frames: Uint8Array[];
}

/** An object, because the types that mediabunny refers to do not know `format` yet. */
const RGBA: object = { format: 'RGBA' };

/** Decodes an MP4 as a player would. */
export async function decodeVideo(bytes: Uint8Array): Promise<DecodedVideo> {
  const { VideoDecoder, VideoFrame, EncodedVideoChunk } = codecs;
  Object.assign(globalThis, { VideoDecoder, VideoFrame, EncodedVideoChunk });
  const input = new Input({ formats: ALL_FORMATS, source: new BufferSource(bytes) });
  const track = await input.getPrimaryVideoTrack();
  if (track === null) throw new Error('there is no video track');
  const frames: Uint8Array[] = [];
  for await (const sample of new VideoSampleSink(track).samples()) {
    const pixels = new Uint8Array(sample.allocationSize(RGBA));
    await sample.copyTo(pixels, RGBA);
    frames.push(pixels);
    sample.close();
  }
  const view = Buffer.from(bytes);
  const boxes: string[] = [];
  for (let at = 0; at < view.length; at += view.readUInt32BE(at)) boxes.push(view.toString('latin1', at + 4, at + 8));
  return {
    boxes,
    codec: await track.getCodecParameterString(),
    width: await track.getDisplayWidth(),
    height: await track.getDisplayHeight(),
    duration_s: await track.computeDuration(),
    frames,
  };
}
