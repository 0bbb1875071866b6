import { continueAsNew, proxyActivities, setCurrentDetails, sleep } from '@temporalio/workflow';
import type { DeliveryTurn, TraceDeliveryActivities } from '../activities/traces/delivery.ts';
import { TRACE_DELIVERY } from './activity-options.ts';

const { deliverTraces } = proxyActivities<TraceDeliveryActivities>(TRACE_DELIVERY);

/** One activity delivers for so long before it reports; a worker that stops hands it on at once. */
const TURN_MS = 10 * 60_000;
/** About 300 events of history. */
const TURNS_PER_RUN_MAX = 50;
const PAUSE_AFTER_FAILURE = '10 seconds';

/** Brings the outbox to Langfuse, for ever, for all episodes. There is one in a deployment. */
export async function TraceDeliveryWorkflow(): Promise<void> {
  for (let turn = 0; turn < TURNS_PER_RUN_MAX; turn += 1) {
    try {
      const report = await deliverTraces.executeWithOptions({ summary: 'deliver traces' }, [{ turn_ms: TURN_MS }]);
      setCurrentDetails(describe(report));
    } catch (error) {
      // Delivery outlives whatever ails it; what it was is in the activity's failure.
      if (error instanceof Error && error.name === 'CancelledFailure') throw error;
      setCurrentDetails('**failed**, goes on in a moment');
      await sleep(PAUSE_AFTER_FAILURE);
    }
  }
  await continueAsNew<typeof TraceDeliveryWorkflow>();
}

function describe({ away, pending, sending, accepted, confirmed, parked }: DeliveryTurn): string {
  const counts = { pending, sending, accepted, confirmed, parked };
  return [away ?? '**delivering**', '', ...Object.entries(counts).map(([state, items]) => `- ${state} ${items}`)].join(
    '\n',
  );
}
