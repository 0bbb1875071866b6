import type { EpisodeProgress } from '../schemas/turn.ts';

/** Counts the wall time that a step spent, in runs that count it so. */
export function spend(progress: EpisodeProgress, { spent_ms = 0 }: { spent_ms?: number }): void {
  if (progress.spent_ms !== undefined) progress.spent_ms += spent_ms;
}
