import { z } from 'zod';
import { Count, Json, Sha256, Uuid } from './primitives.ts';
import { Step, StepKind } from './step.ts';

/** A step of one of two episodes that are compared, as a list shows it. */
export const ComparedStep = z.object({
  seq: Count,
  kind: StepKind,
  agent: z.string(),
  name: z.string(),
  status: Step.shape.status,
  /** null while it runs, and where nobody knows what it cost. */
  duration_ms: Count.nullable(),
  usd: z.number().min(0).nullable(),
  /** The beginning of what it said or was asked. */
  text: z.string(),
});
export type ComparedStep = z.infer<typeof ComparedStep>;

/** What of two steps in the same place is held against each other; ids and times differ always. */
export const StepMember = z.enum(['kind', 'agent', 'name', 'status', 'input', 'output', 'error', 'model']);
export type StepMember = z.infer<typeof StepMember>;

/** Two steps in the same place, and in what they differ; where one is null, only the other episode has a step there. */
export const ComparedPair = z.object({
  a: ComparedStep.nullable(),
  b: ComparedStep.nullable(),
  differs: z.array(StepMember),
});
export type ComparedPair = z.infer<typeof ComparedPair>;

/** Two episodes held against each other: how they began and ended, their steps side by side, and the files that each left. */
export const Comparison = z.object({
  a: Uuid,
  b: Uuid,
  /** What differs of the episodes themselves. */
  facts: z.array(z.object({ member: z.string(), a: Json.nullable(), b: Json.nullable() })),
  /** In the order of both. */
  steps: z.array(ComparedPair),
  /** The place in `steps` of the first pair that differs; null where every step of both is the same. */
  first: Count.nullable(),
  /** Files of the two workspaces at their ends that differ; null where what they consisted of is no longer stored. */
  files: z.array(z.object({ path: z.string(), a: Sha256.nullable(), b: Sha256.nullable() })).nullable(),
});
export type Comparison = z.infer<typeof Comparison>;
