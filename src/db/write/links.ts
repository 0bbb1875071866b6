import type { Transaction } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import { insertArtifacts } from '../append/artifacts.ts';
import type { ArtifactLink } from '../../schemas/artifact.ts';

/** The files that a step ends with, and the workspace as it left it. */
type StepFiles = { artifacts: ArtifactLink[]; workspace: { sha256: string; size_bytes: number } | null };

/** Links a step that ends to its files, and its workspace to the step; their objects lie in S3 already. */
export async function linkArtifacts(
  tx: Transaction<Database>,
  { stepId, attempt, end: { artifacts, workspace } }: { stepId: string; attempt: number; end: StepFiles },
): Promise<void> {
  await insertArtifacts(tx, workspace ? [...artifacts, workspace] : artifacts);
  if (artifacts.length === 0) return;
  await tx
    .insertInto('step_artifacts')
    .values(
      artifacts.map(({ size_bytes: _, clock, ...link }) => ({
        ...link,
        step_id: stepId,
        attempt,
        clock: clock && JSON.stringify(clock),
      })),
    )
    .execute();
}
