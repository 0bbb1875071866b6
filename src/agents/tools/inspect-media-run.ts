import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../errors.ts';
import type { FramesRequest, InspectedVideo } from './inspect-media-frames.ts';
import type { InspectionAnswer } from './inspect-media-process.ts';

/** JavaScript heap in MiB of the process that decodes: a dozen Full HD frames take 100 MB. */
const HEAP_MB_MAX = 512;
/** Wall-clock milliseconds for one video: 30 simulated seconds take two. */
const WALL_CLOCK_MS_MAX = 60_000;

/**
 * Looks at frames of a video in a process of its own, so that neither the decoder's work nor its crash reaches the caller.
 * Throws `invalid_argument` for what cannot be decoded, also where the decoder crashes on it, `resource_exhausted` for what
 * is too large or takes longer than a minute, `cancelled` when `signal` aborts.
 */
export async function inspectVideo(request: FramesRequest, signal: AbortSignal): Promise<InspectedVideo> {
  if (signal.aborted) throw cancelled();
  const child = fork(fileURLToPath(new URL('./inspect-media-process.ts', import.meta.url)), [], {
    env: {}, // the video is an agent's, and the process needs none of our secrets
    execArgv: [`--max-old-space-size=${HEAP_MB_MAX}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const { promise, resolve, reject } = Promise.withResolvers<InspectedVideo>();
  const abort = () => reject(cancelled());
  const timer = setTimeout(() => reject(outOfTime()), WALL_CLOCK_MS_MAX);
  signal.addEventListener('abort', abort, { once: true });
  child.once('error', (error) => reject(AppError.from(error)));
  child.once('close', (code, killedBy) => reject(died(code, killedBy)));
  child.on('message', (answer: InspectionAnswer) => {
    if (answer.kind === 'done') resolve(answer.video);
    else reject(new AppError(answer.code, answer.message));
  });
  try {
    child.send(request, (error) => {
      if (error !== null) reject(AppError.from(error));
    });
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    child.kill('SIGKILL');
  }
}

const cancelled = () => new AppError('cancelled', 'the inspection was cancelled');
const outOfTime = () =>
  new AppError('resource_exhausted', `the video could not be decoded within ${WALL_CLOCK_MS_MAX / 1000} s`);

/** Killed from outside (out of memory, a worker's shutdown) it may work next time; a crash of its own comes again. */
function died(code: number | null, killedBy: NodeJS.Signals | null): AppError {
  const how = `code ${code}, signal ${killedBy}`;
  if (killedBy === 'SIGKILL' || killedBy === 'SIGTERM')
    return new AppError('internal', `the process that decodes the video was killed (${how})`);
  return new AppError('invalid_argument', `the decoder crashed on the video (${how})`);
}
