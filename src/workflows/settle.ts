import { CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { EpisodeActivities } from '../activities/episode/episode.ts';
import type { StepIdentity, StepKind } from '../schemas/step.ts';
import { RECORD } from './activity-options.ts';
import { failureOf } from './outcome.ts';

const { settleStep } = proxyActivities<EpisodeActivities>(RECORD);

/** Records how a numbered step ended that could not say so itself, also when the episode was cancelled. */
export async function settle(
  step: StepIdentity,
  what: { step_key: string; kind: StepKind; name: string },
  error: unknown,
): Promise<void> {
  const status = isCancellation(error) ? 'cancelled' : 'error';
  await CancellationScope.nonCancellable(() =>
    settleStep.executeWithOptions({ summary: `${step.seq} · settle ${what.name}` }, [
      { step, ...what, status, error: failureOf(error) },
    ]),
  );
}
