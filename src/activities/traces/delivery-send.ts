import type { Alerts } from '../../alerts/alerts.ts';
import type { ReadObject } from '../../tracing/media.ts';
import type { Database } from '../../schemas/database.ts';
import type { Kysely } from 'kysely';
import { changeItems, claimItems } from '../../db/write/trace-outbox.ts';
import type { ClaimedItem } from '../../db/write/trace-outbox.ts';
import type { OutboxState, OutboxSubject } from '../../schemas/trace.ts';
import { afterSend } from '../../tracing/delivery-state.ts';
import type { NextState, SendOutcome, DeliveryTimings } from '../../tracing/delivery-state.ts';
import type { SendReport, LangfuseClient } from '../../tracing/langfuse-client.ts';
import type { LangfuseServer } from '../../tracing/langfuse-server.ts';

/** What delivery works with. */
export type DeliveryDeps = {
  db: Kysely<Database>;
  langfuse: LangfuseClient;
  readObject: ReadObject;
  alerts: Alerts;
  now: () => Date;
  timings: DeliveryTimings;
};

/** The most items and bytes of one request; Langfuse takes about 4.5 MB. */
const BYTES_MAX = 3 * 1024 * 1024;
export const ITEMS_MAX = 500;
/** Pictures and scores go one by one, so few are taken at a time. */
const MEDIA_ITEMS_MAX = 5;
const SCORE_ITEMS_MAX = 50;
/** Where much waits: the most requests at once, and the most that follow each in a cycle. */
const REQUESTS_AT_ONCE = 3;
const REQUESTS_IN_TURN_MAX = 8;

/** The alert that is open while Langfuse takes nothing, or nothing of one kind, from us. */
const UNWELCOME = 'langfuse_unwelcome';

/** What a server takes or shows at an address of its own: each fails, and is left alone, for itself. */
export const ENDPOINTS = ['spans', 'scores', 'media', 'reads'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** What a delivery remembers from cycle to cycle: which server it found, and until when each endpoint wants to be left alone. */
export type Memory = {
  server: LangfuseServer | undefined;
  server_until_ms: number;
  paused_until_ms: Record<Endpoint, number>;
  /** Whether it took the last request of spans whole. */
  answers: boolean;
  /** When it was last asked what it shows. */
  looked_ms: number;
  /** The endpoints for which an alert may be open, raised by this delivery or one before. */
  unwelcome: Set<Endpoint | ''>;
};

type Sender = {
  deps: DeliveryDeps;
  memory: Memory;
  endpoint: Endpoint;
  subjects: OutboxSubject[];
  items_max: number;
  post: (items: ClaimedItem[]) => Promise<SendReport>;
};

/** Sends what is due of everything. Returns how many items the server took. */
export async function sendAllDue(
  deps: DeliveryDeps,
  memory: Memory,
  { server, signal }: { server: LangfuseServer; signal: AbortSignal | undefined },
): Promise<number> {
  const { langfuse } = deps;
  const senders: Pick<Sender, 'endpoint' | 'subjects' | 'items_max' | 'post'>[] = [
    {
      endpoint: 'spans',
      subjects: ['step', 'attempt', 'begun', 'root'],
      items_max: ITEMS_MAX,
      post: (items) => langfuse.sendSpans(server, items, signal),
    },
    {
      endpoint: 'scores',
      subjects: ['score'],
      items_max: SCORE_ITEMS_MAX,
      post: (items) => langfuse.sendScores(server, items, signal),
    },
    { endpoint: 'media', subjects: ['media'], items_max: MEDIA_ITEMS_MAX, post: (items) => sendMedia(deps, items) },
  ];
  let sent = 0;
  for (const sender of senders) sent += await sendDue({ deps, memory, ...sender });
  return sent;
}

const nowMs = ({ now }: Pick<DeliveryDeps, 'now'>) => now().getTime();

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
async function sendDue(sender: Sender): Promise<number> {
  const first = await claim(sender);
  if (!isFull(first, sender) || !sender.memory.answers) return send(sender, first);
  const inTurn = async (claimed: ClaimedItem[]): Promise<number> => {
    let items = claimed;
    let taken = 0;
    for (let request = 1; items.length > 0; request += 1) {
      const own = await send(sender, items);
      taken += own;
      if (own < items.length || request === REQUESTS_IN_TURN_MAX) break;
      items = await claim(sender);
    }
    return taken;
  };
  const others = Array.from({ length: REQUESTS_AT_ONCE - 1 }, async () => inTurn(await claim(sender)));
  const lanes = await Promise.all([inTurn(first), ...others]);
  return lanes.reduce((all, taken) => all + taken, 0);
}

/** Whether so much was claimed that more may wait. */
const isFull = (items: ClaimedItem[], { items_max }: Sender): boolean =>
  items.length === items_max || items.reduce((all, { payload }) => all + payload.length, 0) > BYTES_MAX / 2;

/** Claims one request's worth; nothing while the endpoint wants to be left alone. */
async function claim({ deps, memory, endpoint, subjects, items_max }: Sender) {
  if (memory.paused_until_ms[endpoint] > nowMs(deps)) return [];
  return claimItems(deps.db, {
    subjects,
    now: deps.now().toISOString(),
    // Who has not answered by then is dead: the sender's lock keeps any other from looking earlier.
    deadline: new Date(nowMs(deps) + 2 * deps.timings.request_ms).toISOString(),
    items_max,
    bytes_max: BYTES_MAX,
  });
}

/** Sends a claimed batch; one that is refused as a whole is halved until the culprits are alone. Returns how many were taken. */
async function send(sender: Sender, items: ClaimedItem[]): Promise<number> {
  if (items.length === 0) return 0;
  const { deps, post } = sender;
  const { outcome, apart } = await post(items);
  if (outcome.kind === 'refused' && items.length > 1) {
    const middle = Math.ceil(items.length / 2);
    return (await send(sender, items.slice(0, middle))) + (await send(sender, items.slice(middle)));
  }
  let taken = 0;
  for (const [fate, same] of Map.groupBy(items, ({ span_id }) => apart.get(span_id) ?? outcome)) {
    const attempts = Math.max(...same.map(({ attempts }) => attempts));
    const next = afterSend(fate, { attempts, now_ms: nowMs(deps), timings: deps.timings });
    await moveItems(deps, { span_ids: same.map(({ span_id }) => span_id), from: 'sending' }, next);
    if (fate.kind === 'accepted') taken += same.length;
    await learn(sender, fate, next);
    if (fate.kind === 'refused') await raiseParkedAlert(deps, fate.error, same);
  }
  return taken;
}

/** What an outcome says of the endpoint, and of the server. */
async function learn({ deps, memory, endpoint }: Sender, fate: SendOutcome, next: NextState): Promise<void> {
  if (endpoint === 'spans') memory.answers = fate.kind === 'accepted';
  if (fate.kind === 'accepted') return welcomed(deps, memory, endpoint);
  if (fate.kind === 'refused') return;
  // It may be another one now. A pause is the endpoint's alone: what the others take they go on taking.
  memory.server = undefined;
  if (fate.kind !== 'ambiguous') memory.paused_until_ms[endpoint] = next.next_attempt_ms ?? 0;
  if (fate.kind === 'unwelcome') await raiseRefusedAlert(deps, memory, { endpoint, ...fate });
}

/** Clears the alert of the endpoint. */
export async function welcomed({ alerts }: DeliveryDeps, memory: Memory, endpoint: Endpoint): Promise<void> {
  for (const subject of [endpoint, ''] as const)
    if (memory.unwelcome.delete(subject)) await alerts.clear(UNWELCOME, subject);
}

/** Raises the alert that Langfuse takes nothing, at which endpoint (empty: at none), and what to mend. */
export async function raiseRefusedAlert(
  { alerts }: DeliveryDeps,
  memory: Memory,
  { endpoint, because, error }: { endpoint: Endpoint | ''; because: 'keys' | 'address'; error: string },
): Promise<void> {
  memory.unwelcome.add(endpoint);
  const what = endpoint === '' ? 'nothing' : `no ${endpoint}`;
  const mend =
    because === 'keys'
      ? 'check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY'
      : endpoint === ''
        ? 'check LANGFUSE_BASE_URL'
        : 'this server has no such address, so it may be too old or too new for this version';
  await alerts.raise({
    name: UNWELCOME,
    subject: endpoint,
    message: `Langfuse ${endpoint === 'reads' ? 'answers no reads' : `takes ${what} from us`}: ${mend}.`,
    facts: { reason: error },
  });
}

async function raiseParkedAlert({ alerts }: DeliveryDeps, reason: string, items: ClaimedItem[]): Promise<void> {
  for (const { span_id, trace_id, subject } of items)
    await alerts.raise({
      name: 'trace_item_parked',
      subject: trace_id,
      message: 'Langfuse refuses an item of this trace for its content; it stays in the outbox as parked.',
      facts: { span_id, trace_id, subject, reason },
    });
}

/** Writes the next state of items; returns how many still were in the state in which they were found. */
export function moveItems(
  { db, now }: Pick<DeliveryDeps, 'db' | 'now'>,
  items: { span_ids: string[]; from: OutboxState },
  { state, error, next_attempt_ms, unseen_since_ms }: NextState,
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
