/**
 * The entry of an inspection's own process: takes one video, answers once, ends. A process, because native decoders have
 * taken down the one they ran in, and because decoding would keep a worker's event loop busy.
 */
import { AppError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import { inspectFrames } from './inspect-media-frames.ts';
import type { FramesRequest, InspectedVideo } from './inspect-media-frames.ts';

/** What the process answers. */
export type InspectionAnswer =
  | { kind: 'done'; video: InspectedVideo }
  | { kind: 'failed'; code: ErrorCode; message: string };

// Without the one who asked there is nothing left to do. The listener also keeps Node alive while the decoder works.
process.once('disconnect', () => process.exit());
process.once('message', (request: FramesRequest) => void answer(request));

async function answer(request: FramesRequest): Promise<void> {
  try {
    send({ kind: 'done', video: await inspectFrames(request) });
  } catch (error) {
    // What is thrown in here without a code of ours comes from a demuxer or decoder that met bytes it cannot use.
    const { code, message } =
      error instanceof AppError ? error : new AppError('invalid_argument', `it cannot be decoded: ${String(error)}`);
    send({ kind: 'failed', code, message });
  }
}

function send(message: InspectionAnswer): void {
  process.send?.(message);
}
