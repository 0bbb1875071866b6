/** How far a phase is: counts of objects or bytes, and since when; the rate is derived. */
export type Progress = {
  phase: string;
  done: number;
  of: number | null;
  bytes: number;
  seconds: number;
  bytes_per_s: number;
};

/** What work reports to: the newest values go with the next heartbeat. */
export type Report = (values: { done?: number; of?: number; bytes?: number }) => void;

/** What work gets besides its input: whom to report to, when to stop, and which try it is (a retry overwrites nothing). */
export type Working = { report: Report; signal: AbortSignal; attempt: number };

/** A named part of a backup, a drill or a retention: an activity where Temporal runs it, a plain call where the CLI does. */
export type Phase<Input, Result> = { phase: string; work: (input: Input, working: Working) => Promise<Result> };

/** Names work as a phase. */
export function phase<Input, Result>(
  name: string,
  work: (input: Input, working: Working) => Promise<Result>,
): Phase<Input, Result> {
  return { phase: name, work };
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
