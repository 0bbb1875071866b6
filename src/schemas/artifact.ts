import { z } from 'zod';
import { Count, Sha256, Timestamp } from './primitives.ts';

/** What an artifact is for, in the words that the agents' code base uses. */
export const ArtifactKind = z.enum([
  'VIDEO',
  'MJCF',
  'IMAGE',
  'STEP',
  'STL',
  'GLB',
  'CODE',
  'MARKDOWN',
  'TIMELINE',
  'LOG',
  'GIT_ARCHIVE',
  'OTHER',
]);
export type ArtifactKind = z.infer<typeof ArtifactKind>;

/** How a video's frames map to time: frame i shows `t0 + i / fps` seconds of simulated or wall time. */
export const Clock = z.object({
  kind: z.enum(['sim', 'wall']),
  t0: z.number(),
  fps: z.number().positive(),
  frames: Count,
});
export type Clock = z.infer<typeof Clock>;

/** An immutable object by its content. Its key in S3 derives from the hash, the bucket from the configuration. */
export const Artifact = z.object({ sha256: Sha256, size_bytes: Count, created_at: Timestamp });
export type Artifact = z.infer<typeof Artifact>;

/** A file that a step reads or makes, already stored: what is handed to the record when the step ends. */
export const ArtifactLink = z.object({
  role: z.enum(['input', 'output']),
  path: z.string(),
  sha256: Sha256,
  size_bytes: Count,
  content_type: z.string(),
  kind: ArtifactKind,
  clock: Clock.nullable(),
});
export type ArtifactLink = z.infer<typeof ArtifactLink>;
