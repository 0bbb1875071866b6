import { ActivityFailure, proxyActivities, TimeoutFailure, workflowInfo } from '@temporalio/workflow';
import type { EpisodeActivities } from '../activities/episode/episode.ts';
import type { StepIdentity } from '../schemas/step.ts';
import type { CallRef, CallReport, CallRequest, EpisodeProgress, UnfinishedThought } from '../schemas/turn.ts';
import { TOOL_CALL, WORKSPACE_WAIT } from './activity-options.ts';
import { prefixOf } from './names.ts';
import type { People } from './people.ts';
import { settle } from './settle.ts';
import { spend } from './spend.ts';
import { noteCall } from './summaries.ts';

/** What calls need of the run that they belong to. */
export type CallsRun = {
  progress: EpisodeProgress;
  people: People;
  next: (parent_seq: number) => StepIdentity & { parent_seq: number };
  describe: (doing: string) => void;
};

/** Runs a thought's calls as activities, numbered in the model's order: read-only ones side by side, the others alone. */
export async function runCalls(run: CallsRun, thought: UnfinishedThought): Promise<void> {
  const batches = inBatches(thought.calls);
  for (const [index, batch] of batches.entries()) {
    run.describe(`**${thought.agent}** · ${batch.map(({ summary }) => summary).join(', ')}`);
    const ends = await Promise.allSettled(batch.map((call) => runCall(run, call, thought)));
    for (const [place, end] of ends.entries()) {
      const call = batch[place];
      if (call && end.status === 'fulfilled' && end.value)
        noteCall(run.progress, { call, report: end.value, next: thought.next });
    }
    const failed = ends.find((end) => end.status === 'rejected');
    if (!failed) continue;
    // What was asked for and never ran is part of the record too.
    for (const call of batches.slice(index + 1).flat())
      await settle(
        run.next(call.place?.parent_seq ?? thought.seq),
        { step_key: keyOf(call, thought), kind: call.kind, name: call.name },
        failed.reason,
      );
    throw failed.reason;
  }
}

/** The key of a call's step: its place in a graph of one's own, else the thought's with the call's id. */
const keyOf = ({ id, place }: CallRef, { key }: UnfinishedThought) => place?.key ?? `${key}/${id}`;

/** Consecutive read-only calls together, every other call by itself. */
function inBatches(calls: readonly CallRef[]): CallRef[][] {
  const batches: CallRef[][] = [];
  for (const call of calls) {
    const last = batches.at(-1);
    const together = call.read_only && !call.ask && last?.every((one) => one.read_only && !one.ask);
    if (last && together) last.push(call);
    else batches.push([call]);
  }
  return batches;
}

/** Runs one call; returns its report, or nothing where a person was its answer. */
async function runCall(run: CallsRun, call: CallRef, thought: UnfinishedThought): Promise<CallReport | undefined> {
  const { progress, people } = run;
  const { key: parent_key, checkpoint_id } = thought;
  const parent_seq = call.place?.parent_seq ?? thought.seq;
  const step_key = keyOf(call, thought);
  if (call.kind === 'human') {
    await people.answered(call, { key: step_key, parent_seq, name: 'question' });
    return undefined;
  }
  const decided = call.place?.decided ?? (call.id === thought.calls[0]?.id ? thought.decided : null);
  const approval =
    decided ?? (call.ask ? await people.answered(call, { key: step_key, parent_seq, name: 'approval' }) : undefined);
  const step = run.next(parent_seq);
  const summary = `${step.seq} · ${call.summary}`;
  const declined = approval && !approval.approve ? approval : null;
  const request: CallRequest = { step, call, parent_key, checkpoint_id, declined };
  try {
    const report = await (call.kind === 'simulation'
      ? simulationActivities().simulate.executeWithOptions({ summary }, [request])
      : callWhereWorkspaceIs(progress.workspace_queue, summary, request));
    progress.workspace_queue = report.workspace_queue ?? progress.workspace_queue;
    spend(progress, report);
    return report;
  } catch (error) {
    await settle(step, { step_key, kind: call.kind, name: call.name }, error);
    throw error;
  }
}

const simulationActivities = () =>
  proxyActivities<EpisodeActivities>({
    ...TOOL_CALL,
    taskQueue: `${prefixOf(workflowInfo().taskQueue, 'episodes')}simulation`,
  });

/** The worker that has the workspace on its disk goes first; when it does not come, any worker rebuilds it from the manifest. */
async function callWhereWorkspaceIs(queue: string | null, summary: string, request: CallRequest) {
  const { callTool } = proxyActivities<EpisodeActivities>(TOOL_CALL);
  if (queue) {
    const near = { ...TOOL_CALL, taskQueue: queue, scheduleToStartTimeout: WORKSPACE_WAIT };
    try {
      return await proxyActivities<EpisodeActivities>(near).callTool.executeWithOptions({ summary }, [request]);
    } catch (error) {
      const cause = error instanceof ActivityFailure ? error.cause : undefined;
      if (!(cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START')) throw error;
    }
  }
  return callTool.executeWithOptions({ summary }, [request]);
}
