import type { Stuck } from './episode.ts';

/** The state of an episode's workflow in Temporal, by its newest run; null where it has none. */
export type WorkflowState =
  | { state: 'running'; run_id: string; stuck: Stuck | null }
  | { state: 'closed'; run_id: string; terminated: boolean; by: string; reason: string }
  | { state: 'missing'; run_id: null };

/** An episode whose record differs from Temporal, and the run that Temporal has of it. */
export type Amendment = { episode_id: string; workflow_id: string; run_id: string | null };

/** The sentence that says what is stuck. */
export const stuckSentence = ({ waits_for, since, attempt, because }: Stuck): string =>
  `waits for ${waits_for} since ${since}, attempt ${attempt}, because ${because}`;
