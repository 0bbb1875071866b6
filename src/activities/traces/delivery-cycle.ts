import type { Kysely } from 'kysely';
import { listSentItems, readProgress } from '../../db/read/trace-outbox.ts';
import type { SentItem } from '../../db/read/trace-outbox.ts';
import { changeItems, claimItems, forgetUnseen } from '../../db/write/trace-outbox.ts';
import type { ClaimedItem } from '../../db/write/trace-outbox.ts';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { OutboxState, OutboxSubject } from '../../schemas/trace.ts';
import type { Alerts } from '../../alerts/alerts.ts';
import { lookAtTrace } from './delivery-look.ts';
import { afterLook, afterSend, isOverdue } from '../../tracing/delivery-state.ts';
import type { DeliveryTimings, Look, NextStand, SendOutcome } from '../../tracing/delivery-state.ts';
import type { ReadObject } from '../../tracing/media.ts';
import type { LangfuseClient, LangfuseServer, SendReport } from '../../tracing/langfuse-client.ts';

/** One request holds at most so many items and bytes; Langfuse takes about 4.5 MB. */
const ITEMS_MAX = 500;
const BYTES_MAX = 3 * 1024 * 1024;
/** Where much waits so many requests are under way at once, each followed by at most so many more in a cycle. */
const REQUESTS_AT_ONCE = 3;
const REQUESTS_IN_TURN_MAX = 8;
/** One look reads at most so many traces, and takes in so many of their items. */
const TRACES_PER_LOOK_MAX = 20;
const ITEMS_PER_LOOK_MAX = 5_000;
/** The server's version is asked for again after this, and whenever it did not answer as hoped. */
const DETECTED_MS_MAX = 5 * 60_000;

/** The alert that stands while Langfuse takes nothing from us. */
const UNWELCOME = 'langfuse_unwelcome';

const SPANS: OutboxSubject[] = ['step', 'attempt', 'root'];
const SCORES: OutboxSubject[] = ['score'];
const MEDIA: OutboxSubject[] = ['media'];
/** Pictures go one by one, so few are taken at a time. */
const MEDIA_ITEMS_MAX = 5;

export type DeliveryDeps = {
  db: Kysely<Database>;
  langfuse: LangfuseClient;
  readObject: ReadObject;
  alerts: Alerts;
  now: () => Date;
  timings: DeliveryTimings;
};

/** What a cycle did: items that the server took, items seen in it; `away` is why nothing could be done. */
export type CycleReport = { sent: number; confirmed: number; away: string | null };

/** Whether a cycle sent so much that more may wait already. */
export const isBusy = ({ sent }: CycleReport): boolean => sent >= ITEMS_MAX;

/** Delivery of the outbox, cycle by cycle: send what is due, then look for what was sent. Only one may run at a time. */
export type Delivery = { cycle(signal?: AbortSignal): Promise<CycleReport> };

/** What a delivery remembers from cycle to cycle: which server it found, and until when that one wants to be left alone. */
type Memory = {
  server: LangfuseServer | undefined;
  server_until_ms: number;
  paused_until_ms: number;
  /** Whether it took the last request whole. */
  answers: boolean;
  /** When it was last asked what it shows. */
  looked_ms: number;
  /** Whether it may be that operators were told, by this delivery or one before, that Langfuse takes nothing. */
  unwelcome: boolean;
};

/** Makes a delivery. It keeps nothing but what server it found: everything else is in the rows. */
export function createDelivery(deps: DeliveryDeps): Delivery {
  const memory: Memory = {
    server: undefined,
    server_until_ms: 0,
    paused_until_ms: 0,
    answers: false,
    looked_ms: 0,
    unwelcome: true,
  };
  return {
    async cycle(signal) {
      try {
        const server = await detect(deps, memory, signal);
        const { langfuse } = deps;
        const spans: Sender = { deps, memory, post: (items) => langfuse.sendSpans(server, items, signal) };
        const scores: Sender = { deps, memory, post: (items) => langfuse.sendScores(items, signal) };
        const pictures: Sender = { deps, memory, items_max: MEDIA_ITEMS_MAX, post: (items) => sendMedia(deps, items) };
        const sent = (await sendDue(spans, SPANS)) + (await sendDue(scores, SCORES)) + (await sendDue(pictures, MEDIA));
        // While much waits it is not asked after every few requests what has become of the last ones.
        const looks = sent < ITEMS_MAX || nowMs(deps) - memory.looked_ms >= deps.timings.look_ms;
        if (!looks) return { sent, confirmed: 0, away: null };
        memory.looked_ms = nowMs(deps);
        return { sent, confirmed: await lookForSent(deps, server, signal), away: null };
      } catch (thrown) {
        const error = AppError.from(thrown);
        if (error.code === 'permission_denied' || error.code === 'not_found') {
          memory.unwelcome = true;
          await tell(deps, { kind: 'unwelcome', error: error.message }, []);
        } else if (error.code !== 'unavailable') throw error;
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

type Sender = {
  deps: DeliveryDeps;
  memory: Memory;
  items_max?: number;
  post: (items: ClaimedItem[]) => Promise<SendReport>;
};

/** Sends pictures, each with an outcome of its own. */
async function sendMedia({ langfuse, readObject }: DeliveryDeps, items: ClaimedItem[]): Promise<SendReport> {
  const apart = new Map<string, SendOutcome>();
  for (const item of items) apart.set(item.span_id, await langfuse.media.send(item, readObject));
  return { outcome: { kind: 'accepted' }, apart };
}

/**
 * Sends what is due: one request's worth, or where that is full and the server answers, request after request in several lanes,
 * until there is no more or one is not taken whole. Who may not answer gets one request, not several that are in doubt
 * together. Returns how many items the server took.
 */
async function sendDue(sender: Sender, subjects: OutboxSubject[]): Promise<number> {
  const first = await claim(sender, subjects);
  if (!isFull(first, sender) || !sender.memory.answers) return send(sender, first);
  const inTurn = async (claimed: ClaimedItem[]): Promise<number> => {
    let items = claimed;
    let taken = 0;
    for (let request = 1; items.length > 0; request += 1) {
      const own = await send(sender, items);
      taken += own;
      if (own < items.length || request === REQUESTS_IN_TURN_MAX) break;
      items = await claim(sender, subjects);
    }
    return taken;
  };
  const others = Array.from({ length: REQUESTS_AT_ONCE - 1 }, async () => inTurn(await claim(sender, subjects)));
  const lanes = await Promise.all([inTurn(first), ...others]);
  return lanes.reduce((all, taken) => all + taken, 0);
}

/** Whether so much was claimed that more may wait. */
const isFull = (items: ClaimedItem[], { items_max = ITEMS_MAX }: Sender): boolean =>
  items.length === items_max || items.reduce((all, { payload }) => all + payload.length, 0) > BYTES_MAX / 2;

/** Claims one request's worth; nothing while the server wants to be left alone. */
async function claim({ deps, memory, items_max = ITEMS_MAX }: Sender, subjects: OutboxSubject[]) {
  if (memory.paused_until_ms > nowMs(deps)) return [];
  return claimItems(deps.db, {
    subjects,
    now: deps.now().toISOString(),
    // Who has not answered by then is dead: the sender's lock keeps any other from looking earlier.
    deadline: new Date(nowMs(deps) + 2 * deps.timings.request_ms).toISOString(),
    items_max,
    bytes_max: BYTES_MAX,
  });
}

/** Sends a claimed batch; one that is refused as a whole is halved until the culprits stand alone. Returns how many were taken. */
async function send(sender: Sender, items: ClaimedItem[]): Promise<number> {
  if (items.length === 0) return 0;
  const { deps, memory, post } = sender;
  const { outcome, apart } = await post(items);
  if (outcome.kind === 'refused' && items.length > 1) {
    const middle = Math.ceil(items.length / 2);
    return (await send(sender, items.slice(0, middle))) + (await send(sender, items.slice(middle)));
  }
  let taken = 0;
  for (const [fate, same] of Map.groupBy(items, ({ span_id }) => apart.get(span_id) ?? outcome)) {
    const at = {
      attempts: Math.max(...same.map(({ attempts }) => attempts)),
      now_ms: nowMs(deps),
      timings: deps.timings,
    };
    const span_ids = same.map(({ span_id }) => span_id);
    await stand(deps, { span_ids, from: 'sending' }, afterSend(fate, at));
    await tell(deps, fate, same);
    if (fate.kind === 'accepted') {
      taken += same.length;
      if (memory.unwelcome) await deps.alerts.clear(UNWELCOME);
      memory.unwelcome = false;
      memory.answers = true;
    } else {
      memory.server = undefined; // asked again, in case it is another one now
      memory.answers = false;
    }
    if (fate.kind === 'unwelcome') {
      memory.unwelcome = true;
      memory.paused_until_ms = nowMs(deps) + deps.timings.unwelcome_pause_ms;
    }
    if (fate.kind === 'later') memory.paused_until_ms = nowMs(deps) + fate.retry_after_ms;
  }
  return taken;
}

/** Looks for what was sent and is due to be looked for. Returns how many items were seen. */
async function lookForSent(
  deps: DeliveryDeps,
  server: LangfuseServer,
  signal: AbortSignal | undefined,
): Promise<number> {
  const limits = { traces_max: TRACES_PER_LOOK_MAX, items_max: ITEMS_PER_LOOK_MAX };
  const due = await listSentItems(deps.db, { now: deps.now().toISOString(), ...limits });
  let confirmed = 0;
  for (const items of Map.groupBy(due, ({ trace_id }) => trace_id).values()) {
    const looks = await lookAtTrace(deps.langfuse, items, { server, signal });
    for (const [next, same] of await standsOf(deps, items, { looks, server })) {
      const span_ids = same.map(({ span_id }) => span_id);
      const moved = await stand(deps, { span_ids, from: same[0]?.state ?? 'sending' }, next);
      if (next.state === 'confirmed') confirmed += moved;
    }
  }
  return confirmed;
}

function stand(
  { db, now }: DeliveryDeps,
  items: { span_ids: string[]; from: OutboxState },
  { state, error, next_attempt_ms, unseen_since_ms }: NextStand,
): Promise<number> {
  return changeItems(db, items, {
    state,
    error,
    next_attempt_at: iso(next_attempt_ms),
    unseen_since: iso(unseen_since_ms),
    ...(state === 'accepted' && items.from === 'sending' && { accepted_at: now().toISOString() }),
  });
}

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

/** The items of one trace by where they stand next; those that stand alike are written together. */
async function standsOf(
  deps: DeliveryDeps,
  items: SentItem[],
  { looks, server }: { looks: Map<string, Look>; server: LangfuseServer },
): Promise<[NextStand, SentItem[]][]> {
  const at = { now_ms: nowMs(deps), timings: deps.timings };
  const sent = items.map((item) => ({ item, look: looks.get(item.span_id) ?? 'no_answer', ...sentOf(item, server) }));
  const stuck = sent.some((one) => one.look === 'absent' && !one.merged && isOverdue(one, at));
  const progress = stuck ? await readProgress(deps.db) : undefined;
  const stands = sent.map(({ item, look: seen, ...one }): [NextStand, SentItem] => {
    const next = afterLook(seen, one, { ...at, ...(progress && { progress }) });
    // The one that finds out whether the server lags: the others wait for what becomes of it.
    if (next.state === 'pending' && progress && !one.merged) progress.probing = true;
    return [next, item];
  });
  const alike = Map.groupBy(stands, ([next, { state }]) => JSON.stringify([state, next]));
  return [...alike.values()].flatMap((same) => {
    const [first] = same;
    return first ? [[first[0], same.map(([, item]) => item)] satisfies [NextStand, SentItem[]]] : [];
  });
}

/** Scores and pictures have ids that servers go by, and servers before v4 merge what has the same id. */
const sentOf = ({ state, unseen_since, sent_at, subject }: SentItem, { reads }: LangfuseServer) => ({
  state,
  unseen_since_ms: unseen_since === null ? null : Date.parse(unseen_since),
  sent_ms: Date.parse(sent_at),
  merged: subject === 'score' || subject === 'media' || reads === 'v1',
});

/** Tells operators what needs them: content that Langfuse refuses, and keys or an address that it does not know. */
async function tell({ alerts }: DeliveryDeps, outcome: SendOutcome, items: ClaimedItem[]): Promise<void> {
  if (outcome.kind === 'unwelcome')
    await alerts.raise({
      name: UNWELCOME,
      message: 'Langfuse takes nothing from us: check LANGFUSE_BASE_URL and its keys.',
      facts: { reason: outcome.error },
    });
  if (outcome.kind !== 'refused') return;
  for (const { span_id, trace_id, subject } of items)
    await alerts.raise({
      name: 'trace_item_parked',
      subject: trace_id,
      message: 'Langfuse refuses an item of this trace for its content; it stays in the outbox as parked.',
      facts: { span_id, trace_id, subject, reason: outcome.error },
    });
}
