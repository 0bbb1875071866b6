import { z } from 'zod';
import { Count, Sha256 } from './primitives.ts';

/** A file's path in a workspace: absolute there, normalised, so that it can be rebuilt nowhere but inside. */
const WorkspacePath = z
  .string()
  .max(4_096)
  .refine(
    (path) => path.startsWith('/') && path.slice(1).split('/').every(isPlainName) && path.isWellFormed(),
    'must be an absolute, normalised path without NUL',
  );

/** A file of a workspace by its content. The two modes are git's: a plain file, and one that may be executed. */
export const WorkspaceFile = z.object({
  path: WorkspacePath,
  mode: z.enum(['100644', '100755']),
  size_bytes: Count,
  sha256: Sha256,
});
export type WorkspaceFile = z.infer<typeof WorkspaceFile>;

/** All files of an agent's workspace at one moment, sorted by the bytes of their paths. Its SHA-256 names the workspace. */
export const WorkspaceManifest = z.object({ version: z.literal(1), files: z.array(WorkspaceFile).max(10_000) });
export type WorkspaceManifest = z.infer<typeof WorkspaceManifest>;

function isPlainName(segment: string): boolean {
  return segment !== '' && segment !== '.' && segment !== '..' && !segment.includes('\u0000');
}
