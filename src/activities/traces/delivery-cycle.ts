import { listSentItems, readProgress } from '../../db/read/trace-outbox.ts';
import type { SentItem } from '../../db/read/trace-outbox.ts';
import { forgetUnseen } from '../../db/write/trace-outbox.ts';
import { AppError } from '../../errors.ts';
import { afterLook, isOverdue } from '../../tracing/delivery-state.ts';
import type { Look, NextState } from '../../tracing/delivery-state.ts';
import type { LangfuseServer } from '../../tracing/langfuse-server.ts';
import { deleteTraces } from './delivery-deletion.ts';
import type { Deletions } from './delivery-deletion.ts';
import { lookFor } from './delivery-look.ts';
import { ENDPOINTS, ITEMS_MAX, moveItems, sendAllDue, raiseRefusedAlert, welcomed } from './delivery-send.ts';
import type { DeliveryDeps, Memory } from './delivery-send.ts';

/** The most traces, and the most of their items, of one look. */
const TRACES_PER_LOOK_MAX = 100;
const ITEMS_PER_LOOK_MAX = 5_000;
/** How the server is, is asked for again after this, and whenever it did not answer as hoped. */
const DETECTED_MS_MAX = 5 * 60_000;

/** What a cycle did: items that the server took, items seen in it; `away` is why nothing could be done. */
export type CycleReport = { sent: number; confirmed: number; away: string | null };

/** Whether a cycle sent so much that more may wait already. */
export const isBusy = ({ sent }: CycleReport): boolean => sent >= ITEMS_MAX;

/** Delivery of the outbox, cycle by cycle: send what is due, then look for what was sent. Only one may run at a time. */
export type Delivery = { cycle(signal?: AbortSignal): Promise<CycleReport> };

/** Makes a delivery. It keeps nothing but what server it found: everything else is in the rows. */
export function createDelivery(deps: DeliveryDeps): Delivery {
  const memory: Memory = {
    server: undefined,
    server_until_ms: 0,
    paused_until_ms: { spans: 0, scores: 0, media: 0, reads: 0 },
    answers: false,
    looked_ms: 0,
    unwelcome: new Set([...ENDPOINTS, '']),
  };
  const deletions: Deletions = { next_ms: 0 };
  return {
    async cycle(signal) {
      try {
        const server = await detect(deps, memory, signal);
        const sent = await sendAllDue(deps, memory, { server, signal });
        await deleteTraces(deps, deletions, signal);
        // One look is for all traces, and looks have a least interval: nothing is asked for once for each thing that was sent.
        const { looked_ms, paused_until_ms } = memory;
        const looks = nowMs(deps) - looked_ms >= deps.timings.look_ms && nowMs(deps) >= paused_until_ms.reads;
        return { sent, confirmed: looks ? await lookForSent(deps, memory, { server, signal }) : 0, away: null };
      } catch (thrown) {
        const error = AppError.from(thrown);
        const because = error.code === 'not_found' ? 'address' : 'keys';
        if (error.code === 'permission_denied' || error.code === 'not_found')
          await raiseRefusedAlert(deps, memory, { endpoint: '', because, error: error.message });
        else if (error.code !== 'unavailable') throw error;
        return { sent: 0, confirmed: 0, away: error.message };
      }
    },
  };
}

const nowMs = ({ now }: Pick<DeliveryDeps, 'now'>) => now().getTime();

async function detect(deps: DeliveryDeps, memory: Memory, signal?: AbortSignal): Promise<LangfuseServer> {
  if (memory.server && memory.server_until_ms > nowMs(deps)) return memory.server;
  memory.server = undefined;
  try {
    memory.server = await deps.langfuse.detect(signal);
  } catch (error) {
    await forgetUnseen(deps.db);
    throw error;
  }
  memory.server_until_ms = nowMs(deps) + DETECTED_MS_MAX;
  return memory.server;
}

type At = { server: LangfuseServer; signal: AbortSignal | undefined };

/** Looks for what was sent and is due to be looked for. Returns how many items were seen. */
async function lookForSent(deps: DeliveryDeps, memory: Memory, at: At): Promise<number> {
  const limits = { traces_max: TRACES_PER_LOOK_MAX, items_max: ITEMS_PER_LOOK_MAX };
  const due = await listSentItems(deps.db, { now: deps.now().toISOString(), ...limits });
  if (due.length === 0) return 0;
  const { looks, failures } = await lookFor(deps.langfuse, due, at);
  memory.looked_ms = nowMs(deps);
  await learn(deps, memory, failures);
  let confirmed = 0;
  for (const [next, same] of await nextStatesOf(deps, due, { looks, server: at.server })) {
    const span_ids = same.map(({ span_id }) => span_id);
    const moved = await moveItems(deps, { span_ids, from: same[0]?.state ?? 'sending' }, next);
    if (next.state === 'confirmed') confirmed += moved;
  }
  return confirmed;
}

/** What failed reads say: how long to leave them alone, and what operators must mend. */
async function learn(deps: DeliveryDeps, memory: Memory, failures: AppError[]): Promise<void> {
  if (failures.length === 0) return welcomed(deps, memory, 'reads');
  memory.server = undefined;
  for (const { code, message, details } of failures) {
    const { retry_after_ms } = details;
    if (typeof retry_after_ms === 'number') memory.paused_until_ms.reads = nowMs(deps) + retry_after_ms;
    if (code !== 'permission_denied' && code !== 'not_found') continue;
    const because = code === 'not_found' ? 'address' : 'keys';
    await raiseRefusedAlert(deps, memory, { endpoint: 'reads', because, error: message });
  }
}

/** The items by their next state; those of the same one are written together. */
async function nextStatesOf(
  deps: DeliveryDeps,
  items: SentItem[],
  { looks, server }: { looks: Map<string, Look>; server: LangfuseServer },
): Promise<[NextState, SentItem[]][]> {
  const at = { now_ms: nowMs(deps), timings: deps.timings };
  const sent = items.map((item) => ({ item, look: looks.get(item.span_id) ?? 'no_answer', ...sentOf(item, server) }));
  const stuck = sent.some((one) => one.look === 'absent' && !one.merged && isOverdue(one, at));
  const progress = stuck ? await readProgress(deps.db) : undefined;
  const states = sent.map(({ item, look: seen, ...one }): [NextState, SentItem] => {
    const next = afterLook(seen, one, { ...at, ...(progress && { progress }) });
    // The one that finds out whether the server lags: the others wait for what becomes of it.
    if (next.state === 'pending' && progress && !one.merged) progress.probing = true;
    return [next, item];
  });
  const alike = Map.groupBy(states, ([next, { state }]) => JSON.stringify([state, next]));
  return [...alike.values()].flatMap((same) => {
    const [first] = same;
    return first ? [[first[0], same.map(([, item]) => item)] satisfies [NextState, SentItem[]]] : [];
  });
}

/** Scores and pictures have ids that servers go by, and servers that are read by `v1` merge what has the same id. */
const sentOf = ({ state, unseen_since, sent_at, subject }: SentItem, { reads }: LangfuseServer) => ({
  state,
  unseen_since_ms: unseen_since === null ? null : Date.parse(unseen_since),
  sent_ms: Date.parse(sent_at),
  merged: subject === 'score' || subject === 'media' || reads === 'v1',
});
