import type { Kysely } from 'kysely';
import { findEpisodeRecord } from '../../db/read/coverage.ts';
import type { EpisodeRecord } from '../../db/read/coverage.ts';
import { listTranscript } from '../../db/read/transcript.ts';
import type { FreezeSpan } from '../../db/write/spans.ts';
import { rebuildSpans, requeueItems, unparkItems } from '../../db/write/trace-repair.ts';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { Step } from '../../schemas/step.ts';
import type { ModelInput } from '../../schemas/trace.ts';
import { toTraceConversation } from '../../tracing/capture.ts';
import type { LangfuseClient } from '../../tracing/langfuse-client.ts';
import type { Agents } from '../../agents/agents.ts';
import { turnEndingTools } from '../../agents/tools/registry.ts';
import { buildConversation } from '../../agents/conversation.ts';
import { askedIn } from '../../agents/own/asked.ts';
import type { Alerts } from '../../alerts/alerts.ts';
import { heartbeating } from '../heartbeat.ts';
import { currentRows } from './trace-rows.ts';
import type { JsonStore } from '../../storage/json-store.ts';

export type TraceRepairDeps = {
  db: Kysely<Database>;
  json: JsonStore;
  agents: Agents;
  langfuse: LangfuseClient | null;
  freezeSpan: FreezeSpan;
  alerts: Alerts;
};

/**
 * What a repair put into the outbox again: items that were refused before, items that Langfuse held and has lost, and items that
 * were sent and are not there.
 */
export type TraceRepair = { unparked: number; rebuilt: number; resent: number };

/** What was sent within this time may still be on its way. */
const ON_ITS_WAY_MS = 60_000;

/** The activity that repairs an episode's trace. */
export function createTraceRepairActivities(deps: TraceRepairDeps) {
  return {
    /**
     * Puts into the outbox again what Langfuse lacks now: refused items as they are, and those that were confirmed and are
     * gone, frozen anew from the record under the ids that they had; what was sent a while ago and is not there is sent again.
     */
    repairTrace: heartbeating((episodeId: string): Promise<TraceRepair> => repair(deps, episodeId)),
  };
}

/** Every activity that repairs traces. */
export type TraceRepairActivities = ReturnType<typeof createTraceRepairActivities>;

async function repair(deps: TraceRepairDeps, episodeId: string): Promise<TraceRepair> {
  const { db, langfuse, freezeSpan, alerts } = deps;
  if (!langfuse) throw new AppError('failed_precondition', 'no Langfuse is configured');
  const record = await findEpisodeRecord(db, episodeId);
  if (!record) throw new AppError('not_found', `no episode ${episodeId}`);
  const unparked = await unparkItems(db, episodeId);
  if (unparked > 0) await alerts.clear('trace_item_parked', record.episode.trace_id);

  const { trace_id } = record.episode;
  const rows = await langfuse.listObservations(await langfuse.detect(), { traces: [trace_id] });
  const shown = new Set(currentRows(record, rows).map(({ id }) => id));
  const absent = record.items.filter(({ span_id }) => !shown.has(span_id));
  const before_ms = Date.now() - ON_ITS_WAY_MS;
  const sent = absent.filter(({ sent_at }) => sent_at !== null && Date.parse(sent_at) < before_ms);
  const resent = await requeueItems(
    db,
    sent.map(({ span_id }) => span_id),
  );
  const lost = absent.filter(({ confirmed }) => confirmed);
  if (lost.length === 0) return { unparked, rebuilt: 0, resent };
  const ended = record.steps.filter(({ status }) => status !== 'running');
  const model_inputs = await modelInputsOf(
    deps,
    record,
    ended.filter(({ span_id }) => lost.some((item) => item.span_id === span_id)),
  );
  const span_ids = lost.map(({ span_id }) => span_id);
  await rebuildSpans(db, {
    span_ids,
    steps: ended,
    model_input: (step) => model_inputs.get(step.id) ?? null,
    freezeSpan,
  });
  return { unparked, rebuilt: lost.length, resent };
}

/** What models were shown for these steps, by step; with which parameters they were asked is not on record. */
async function modelInputsOf({ db, json, agents }: TraceRepairDeps, { episode }: EpisodeRecord, steps: Step[]) {
  const { roles, own } = agents.get(episode.agent);
  const model_inputs = new Map<string, ModelInput>();
  for (const step of steps.filter(({ kind }) => kind === 'thought')) {
    if (own) {
      model_inputs.set(step.id, { messages: (await askedIn(step, json)).messages, parameters: {} });
      continue;
    }
    const role = roles.find(({ name }) => name === step.agent);
    if (!role) continue;
    const before = await listTranscript(db, {
      episode_id: episode.id,
      agent: role.name,
      before: step.seq,
      turn_ending: turnEndingTools(),
    });
    const messages = toTraceConversation(await buildConversation({ episode, role, steps: before }, json));
    model_inputs.set(step.id, { messages, parameters: {} });
  }
  return model_inputs;
}
