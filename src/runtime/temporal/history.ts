import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { z } from 'zod';
import { AppError } from '../../errors.ts';

/** How often a run is looked at that is about to close; it has nothing left to do but that. */
const CLOSING_POLL_MS = 250;

/** Events of a history, oldest first. */
export type HistoryEvents = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>;

/** What an activity that records a step is given first, and what one that thinks answers: no thought is no step. */
const Request = z.object({ step: z.object({ run_id: z.string(), seq: z.number().int() }) });
const Answer = z.object({ thought: z.unknown() }).partial();

/** A step as history knows it: an activity that completed recorded it. */
type CompletedStep = { run_id: string; seq: number };

/** What audits ask of Temporal about workflows that ran. */
export function createHistoryReader(client: Client) {
  return {
    /** Resolves when the run has closed, however it ended; also when Temporal no longer knows it. */
    awaitRunEnd: async (workflowId: string, runId: string): Promise<void> => {
      for (;;) {
        try {
          const { status } = await client.workflow.getHandle(workflowId, runId).describe();
          if (status.name !== 'RUNNING') return;
        } catch (error) {
          if (error instanceof WorkflowNotFoundError) return;
          throw unavailable(error);
        }
        await delay(CLOSING_POLL_MS);
      }
    },

    /** The steps that completed activities of these runs recorded. Throws not_found when Temporal no longer has one. */
    listCompletedSteps: async (workflowId: string, runIds: string[]): Promise<CompletedStep[]> => {
      const steps = new Map<string, CompletedStep>();
      for (const runId of runIds)
        for (const step of await completedIn(client, workflowId, runId)) steps.set(`${step.run_id}/${step.seq}`, step);
      return [...steps.values()];
    },
  };
}

async function completedIn(client: Client, workflowId: string, runId: string): Promise<CompletedStep[]> {
  const { events } = await client.workflow
    .getHandle(workflowId, runId)
    .fetchHistory()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError)
        throw new AppError('not_found', `Temporal no longer has run ${runId} of ${workflowId}`);
      throw unavailable(error);
    });
  const requests = new Map<string, CompletedStep>();
  const completed: CompletedStep[] = [];
  for (const { eventId, activityTaskScheduledEventAttributes: scheduled, ...event } of events ?? []) {
    const asked = scheduled && stepAskedFor(scheduled);
    if (asked) requests.set(String(eventId), asked);
    const done = event.activityTaskCompletedEventAttributes;
    const step = done && requests.get(String(done.scheduledEventId));
    if (!step) continue;
    const [result] = done.result?.payloads ?? [];
    const answer = Answer.safeParse(result && decoded(result)).data;
    if (answer?.thought !== null) completed.push(step);
  }
  return completed;
}

/** The step that a scheduled activity is to record; undefined where it is to record none. */
export function stepAskedFor({
  input,
}: NonNullable<HistoryEvents[number]['activityTaskScheduledEventAttributes']>): CompletedStep | undefined {
  const [payload] = input?.payloads ?? [];
  return Request.safeParse(payload && decoded(payload)).data?.step;
}

/** A payload's value; what is not JSON of ours is no request of ours either. */
function decoded(payload: Parameters<typeof defaultPayloadConverter.fromPayload>[0]): unknown {
  try {
    return defaultPayloadConverter.fromPayload(payload);
  } catch {
    return undefined;
  }
}

const unavailable = (cause: unknown) => new AppError('unavailable', 'Temporal does not answer', { cause });
