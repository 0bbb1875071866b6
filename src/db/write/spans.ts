import type { Transaction } from 'kysely';
import type { ArtifactLink } from '../../schemas/artifact.ts';
import type { Database } from '../../schemas/database.ts';
import type { Step } from '../../schemas/step.ts';

/** A step's span, frozen when the step ends. */
export type FrozenSpan = { span_id: string; trace_id: string; payload: string; payload_sha256: string };

/** How a step is told to Langfuse; supplied by the composition root. */
export type FreezeSpan = (step: Step, artifacts: ArtifactLink[]) => FrozenSpan;

/** Puts an ended step's span into the outbox. */
export async function insertSpan(tx: Transaction<Database>, step: Step, span: FrozenSpan): Promise<void> {
  await tx
    .insertInto('trace_outbox')
    .values({ ...span, episode_id: step.episode_id, step_id: step.id })
    .execute();
}
