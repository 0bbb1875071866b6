import { z } from 'zod';
import { Count, Sha256, Timestamp, Uuid } from './primitives.ts';

/** How many tasks a run's history holds: those that completed, and those that failed or timed out and were tried again. */
export const TaskCounts = z.object({ events: Count, workflow_tasks: Count, failed_tasks: Count });
export type TaskCounts = z.infer<typeof TaskCounts>;

/** The archived history of a run that has closed. `closed_by` is the event that closed it, `build` archived it. */
export const WorkflowHistory = TaskCounts.extend({
  episode_id: Uuid,
  run_id: z.string(),
  sha256: Sha256,
  closed_by: z.string(),
  build: z.string(),
  archived_at: Timestamp,
});
export type WorkflowHistory = z.infer<typeof WorkflowHistory>;

/** Where history and code part: what history holds at the event, and what the code wants there instead. */
export const ReplayMismatch = z.object({ event_id: Count.nullable(), history: z.string(), code: z.string() });
export type ReplayMismatch = z.infer<typeof ReplayMismatch>;

/**
 * The verdict of replaying a history against the workflow code of a build. `deterministic`: the code asked for exactly what
 * happened, in every one of `workflow_tasks` completed tasks. `unreplayable`: nothing could be compared, as `detail` says.
 */
export const Replay = z.object({
  verdict: z.enum(['deterministic', 'nondeterministic', 'unreplayable']),
  build: z.string(),
  events: Count,
  workflow_tasks: Count,
  replayed_tasks: Count,
  /** What the verdict does not speak of: an unfinished last task. */
  uncovered: z.string().nullable(),
  mismatch: ReplayMismatch.nullable(),
  detail: z.string().nullable(),
});
export type Replay = z.infer<typeof Replay>;

/** The replay of one run of an episode, as recorded. */
export const ReplayVerdict = Replay.extend({ episode_id: Uuid, run_id: z.string(), replayed_at: Timestamp });
export type ReplayVerdict = z.infer<typeof ReplayVerdict>;

/** The verdict in a line. */
export function sentenceOf(replay: Replay): string {
  const { verdict, build, workflow_tasks, replayed_tasks, uncovered, mismatch, detail } = replay;
  const tasks = `${replayed_tasks}/${workflow_tasks} workflow tasks, build ${build}`;
  if (verdict === 'deterministic') return `deterministic: ${tasks}${uncovered === null ? '' : ` (${uncovered})`}`;
  if (verdict === 'unreplayable') return `unreplayable: ${detail ?? 'for an unknown reason'} (${tasks})`;
  if (!mismatch) return `NONDETERMINISM: ${detail ?? 'at an unknown place'} (${tasks})`;
  const { event_id, history, code } = mismatch;
  return `NONDETERMINISM at event ${event_id ?? '?'}: history ${history}, code ${code} (${tasks})`;
}
