import { Context } from '@temporalio/activity';
import { asActivityFailure } from '../activities/failure.ts';

/** How often progress is told, and so a cancel heard of. The worker throttles further. */
const HEARTBEAT_INTERVAL_MS = 500;

/** How far a phase is: counts of objects or bytes, and since when; the rate is derived. */
export type Progress = {
  phase: string;
  done: number;
  of: number | null;
  bytes: number;
  seconds: number;
  bytes_per_s: number;
};

/** What work reports to: the newest values are told with the next heartbeat. */
export type Report = (values: { done?: number; of?: number; bytes?: number }) => void;

/** What work gets besides its input: whom to tell, when to stop, and which try it is (a retry overwrites nothing). */
export type Working = { report: Report; signal: AbortSignal; attempt: number };

/** An activity that heartbeats with its progress for as long as it works, and whose errors leave as Temporal's. */
export function reporting<Input, Result>(
  phase: string,
  work: (input: Input, working: Working) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return async (input) => {
    const context = Context.current();
    const { report, progress } = createProgress(phase);
    const beat = setInterval(() => context.heartbeat(progress()), HEARTBEAT_INTERVAL_MS);
    try {
      return await work(input, { report, signal: context.cancellationSignal, attempt: context.info.attempt });
    } catch (error) {
      throw asActivityFailure(error, context.info.attempt);
    } finally {
      clearInterval(beat);
    }
  };
}

/** A report and what it amounts to now. */
export function createProgress(phase: string): { report: Report; progress: () => Progress } {
  const started = performance.now();
  const current = { done: 0, of: null as number | null, bytes: 0 };
  return {
    report: (values) => void Object.assign(current, values),
    progress: () => {
      const seconds = (performance.now() - started) / 1000;
      return {
        phase,
        ...current,
        seconds: Math.round(seconds),
        bytes_per_s: Math.round(current.bytes / Math.max(seconds, 0.001)),
      };
    },
  };
}
