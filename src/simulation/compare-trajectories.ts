import type { Trajectory } from './trajectory.ts';

/** In a sentence, how far two trajectories of one scene are apart at the video's frame times: metres and radians, and their rates. */
export function compareTrajectories(before: Trajectory, now: Trajectory): string {
  if (before.nq !== now.nq || before.nv !== now.nv || before.fps !== now.fps) return 'they are not of the same scene';
  const frames = Math.min(before.frames.length, now.frames.length);
  let largest = { error: 0, time_s: 0, column: 0 };
  for (let frame = 0; frame < frames; frame += 1) {
    const [a, b] = [before.frames[frame], now.frames[frame]];
    if (!a || !b) continue;
    for (let column = 1; column < a.length; column += 1) {
      const error = Math.abs((a[column] ?? 0) - (b[column] ?? 0));
      if (error > largest.error) largest = { error, time_s: a[0] ?? 0, column: column - 1 };
    }
  }
  const lengths =
    before.frames.length === now.frames.length ? '' : ` and ${before.frames.length} frames became ${now.frames.length}`;
  if (largest.error === 0) return `the ${frames} frames are equal${lengths}`;
  const { column, error, time_s } = largest;
  const where = column < before.nq ? `qpos[${column}]` : `qvel[${column - before.nq}]`;
  return `the largest error is ${error.toExponential(3)} in ${where} at ${time_s.toFixed(3)} s${lengths}`;
}
