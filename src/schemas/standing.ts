import type { Stuck } from './episode.ts';

/** How Temporal has an episode's workflow, its newest run first of all; null where it has none. */
export type Standing =
  | { state: 'running'; run_id: string; stuck: Stuck | null }
  | { state: 'closed'; run_id: string; terminated: boolean; by: string; reason: string }
  | { state: 'missing'; run_id: null };

/** An episode whose record is not what Temporal says, and the run that Temporal has of it. */
export type Amendment = { episode_id: string; workflow_id: string; run_id: string | null };

/** The sentence that says what is stuck. */
export const stuckSentence = ({ waits_for, since, attempt, because }: Stuck): string =>
  `waits for ${waits_for} since ${since}, attempt ${attempt}, because ${because}`;
