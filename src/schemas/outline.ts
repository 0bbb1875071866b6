import { z } from 'zod';
import { Count, Timestamp } from './primitives.ts';
import { Step, StepKind } from './step.ts';
import { StreamId } from './stream.ts';

/** What an outline shows of a step's words, in UTF-16 units: one line of a list. */
export const OUTLINE_TEXT_CHARS_MAX = 72;

/**
 * The steps of an episode as a list shows them: column by column, a step at the same place in each. A step takes about 120
 * bytes so, and never its contents.
 */
export const OutlineColumns = z.object({
  seq: z.array(Count),
  parent_seq: z.array(Count.nullable()),
  kind: z.array(StepKind),
  agent: z.array(z.string()),
  name: z.array(z.string()),
  status: z.array(Step.shape.status),
  /** The work was done and says no: a simulation that missed, a command that failed, a review that rejects. */
  refused: z.array(z.boolean()),
  /** Milliseconds after the episode was accepted, and how long the step took; null while it runs. */
  at_ms: z.array(z.number().int()),
  duration_ms: z.array(Count.nullable()),
  tokens: z.array(Count),
  /** null where nobody knows. */
  usd: z.array(z.number().min(0).nullable()),
  attempts: z.array(Count),
  /** Files that it made. */
  files: z.array(Count),
  /** The beginning of what it said or was asked. */
  text: z.array(z.string()),
});
export type OutlineColumns = z.infer<typeof OutlineColumns>;

/** A part of the outline. After `stream_id` the episode's stream has what is not in it yet. */
export const Outline = z.object({
  /** What `at_ms` counts from. */
  created_at: Timestamp,
  stream_id: StreamId,
  steps: OutlineColumns,
  /** The number to ask the next part with; null where it is the last. */
  next_after: Count.nullable(),
});
export type Outline = z.infer<typeof Outline>;
