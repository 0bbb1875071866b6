import { listArtifactsOfSteps } from '../db/read/steps.ts';
import { traceIdOf } from '../schemas/identity.ts';
import type { Step } from '../schemas/step.ts';
import type { ApiDeps } from './deps.ts';
import { toFile, traceUrl } from './links.ts';
import type { StepResource } from './resources.ts';

/** Steps with the files that they read and made, and with their places in traces: a fork's first are in its parent's. */
export async function toStepResources(
  { db, store, links, namespace }: Pick<ApiDeps, 'db' | 'store' | 'links' | 'namespace'>,
  steps: Step[],
): Promise<StepResource[]> {
  const ids = steps.map(({ id }) => id);
  const files = Map.groupBy(await listArtifactsOfSteps(db, ids), ({ step_id }) => step_id);
  return steps.map((step) => ({
    ...step,
    trace_url: traceUrl(links.langfuse_url, traceIdOf(namespace, step.episode_id), step.span_id),
    artifacts: (files.get(step.id) ?? []).map(({ step_id: _, ...link }) => toFile(link, store.bucket)),
  }));
}
