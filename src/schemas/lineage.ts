import { z } from 'zod';
import { ArtifactKind } from './artifact.ts';
import { Count, Sha256, Timestamp, Uuid } from './primitives.ts';
import { StepKind } from './step.ts';

/** A file by its content, under the path that a step or an episode knows it by. */
const LineageFile = z.object({ path: z.string(), sha256: Sha256, kind: ArtifactKind.nullable() });
type LineageFile = z.infer<typeof LineageFile>;

/** A step that wrote or read an artifact: who, when, with which code, out of what and into what. */
export const LineageStep = z.object({
  episode_id: Uuid,
  run_id: z.string(),
  seq: z.number().int().min(1),
  /** The try that ended the step, and so the one that wrote or read. */
  attempt: Count,
  kind: StepKind,
  agent: z.string(),
  name: z.string(),
  /** The worker that did it, and the build of our code that it ran; null where the attempt is not on record. */
  worker: z.string().nullable(),
  build: z.string().nullable(),
  started_at: Timestamp,
  /** Whether another run has taken the step's place since. */
  superseded: z.boolean(),
  /** The path of the artifact in this step. */
  path: z.string(),
  /** The manifest of the workspace that the step found: the agent's own code and files. Null where there was none yet. */
  workspace_sha256: Sha256.nullable(),
  inputs: z.array(LineageFile),
  outputs: z.array(LineageFile),
});
export type LineageStep = z.infer<typeof LineageStep>;

/** An artifact of a lineage. `distance` counts steps between: 0 is the one asked for, below 0 what it came from, above 0 what came of it. */
export const LineageNode = z.object({
  sha256: Sha256,
  distance: z.number().int(),
  written_by: z.array(LineageStep),
  read_by: z.array(LineageStep),
  /** Episodes that began with it. */
  given_to: z.array(z.object({ episode_id: Uuid, path: z.string() })),
});
export type LineageNode = z.infer<typeof LineageNode>;

/** Where an artifact came from and what came of it, nearest first. */
export const Lineage = z.object({
  sha256: Sha256,
  nodes: z.array(LineageNode),
  /** Whether there is more of it than an answer holds, at this depth. */
  truncated: z.boolean(),
});
export type Lineage = z.infer<typeof Lineage>;
