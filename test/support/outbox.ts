// An outbox with real rows, and a Langfuse stand-in that can be told to fail: what delivery's tests have in common.
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { startCollector } from '../../src/langfuse-stand-in/server.ts';
import type { CollectorServer } from '../../src/langfuse-stand-in/server.ts';
import type { Fault } from '../../src/langfuse-stand-in/faults.ts';
import type { IngestionMode } from '../../src/langfuse-stand-in/ingestion-events.ts';
import type { Alerts } from '../../src/alerts/alerts.ts';
import type { NewAlert } from '../../src/schemas/alert.ts';
import { insertEpisode } from '../../src/db/append/episodes.ts';
import { countOutbox } from '../../src/db/read/trace-outbox.ts';
import { insertItems } from '../../src/db/write/spans.ts';
import { beginStep, endStep } from '../../src/db/write/steps.ts';
import type { ArtifactLink } from '../../src/schemas/artifact.ts';
import { StartEpisode } from '../../src/schemas/episode.ts';
import type { Episode } from '../../src/schemas/episode.ts';
import { rootSpanIdOf, spanIdOf } from '../../src/identity.ts';
import type { DeliveryTimings } from '../../src/tracing/delivery-state.ts';
import { createLangfuseClient } from '../../src/tracing/langfuse-client.ts';
import { createBegunFreezer, createRootFreezer } from '../../src/tracing/root-spans.ts';
import { createSpanFreezer } from '../../src/tracing/spans.ts';
import { createTestDatabase } from './database.ts';
import type { TestDatabase } from './database.ts';

/** The pictures of these tests: their one object. */
export const PICTURE = Buffer.from('a picture');
export const readObject = async () => PICTURE;

/** Delivery in a hurry: the same decisions as in production, on a scale of milliseconds. */
export const HURRIED: DeliveryTimings = {
  request_ms: 400,
  backoff_ms: 20,
  backoff_ms_max: 100,
  look_ms: 40,
  look_ms_max: 200,
  unseen_ms: 1_200,
  overtaken_ms: 100,
  away_ms: 50,
  unwelcome_pause_ms: 100,
};

const NAMESPACE = 'tests';
const freezeSpan = createSpanFreezer({ namespace: NAMESPACE });
const freezeBegun = createBegunFreezer({ namespace: NAMESPACE });
const freezeRoot = createRootFreezer({ namespace: NAMESPACE });
/** How often it is looked whether delivery is done. */
const SETTLE_POLL_MS = 20;
export const KEYS = { public_key: 'pk-lf-tests', secret_key: randomBytes(12).toString('hex') };

/** A database with an outbox, and a collector with a database of its own. */
export type Outbox = AsyncDisposable & {
  database: TestDatabase;
  collector: CollectorServer;
  /** What was raised and not cleared. */
  raised: NewAlert[];
  alerts: Alerts;
  freezeSpan: typeof freezeSpan;
  startEpisode(): Promise<Episode>;
  /** Records and ends steps `from` to `to` of the episode: a span each. */
  endSteps(episode: Episode, from: number, to: number): Promise<string[]>;
  /** Records and ends one step that made these files. */
  endStep(episode: Episode, seq: number, artifacts: ArtifactLink[]): Promise<string>;
  /** Puts the root span as it is when the episode begins into the outbox. Returns its id as Langfuse shows it. */
  beginRoot(episode: Episode): Promise<string>;
  /** Puts the root span into the outbox. Returns its id. */
  endEpisode(episode: Episode): Promise<string>;
  setFaults(plan: {
    seed?: number;
    faults: Partial<Fault>[];
    limits?: { on: 'api' | 'deletion'; points: number; window_s?: number }[];
  }): Promise<void>;
  faultsMade(): Promise<number>;
  client(): ReturnType<typeof createLangfuseClient>;
  /** The ids of what the collector holds of the episode, as often as it holds them. */
  stored(episode: Episode): Promise<string[]>;
  /** Resolves when nothing of the outbox waits for anything. */
  settled(): Promise<void>;
};

/** Opens both, on the tests' own server or on the one that is named; `now` is the collector's clock. */
export async function openOutbox(
  mode: IngestionMode = 'events_only',
  url_of_server?: string,
  now: () => Date = () => new Date(),
): Promise<Outbox> {
  const [database, home] = await Promise.all([createTestDatabase(url_of_server), createTestDatabase(url_of_server)]);
  const collector = await startCollector({ databaseUrl: home.url, port: 0, keys: KEYS, mode, faults: true, now });
  const { db } = database.client;
  const raised: NewAlert[] = [];
  const client = () => createLangfuseClient({ base_url: collector.url, ...KEYS, request_ms: HURRIED.request_ms });
  const endOne: Outbox['endStep'] = async ({ id, trace_id }, seq, artifacts) => {
    const step_key = `role:${uuidv7()}`;
    const span_id = spanIdOf(trace_id, 'run-1', step_key);
    const description = {
      step_key,
      kind: 'thought' as const,
      agent: 'engineer',
      node: 'engineer',
      name: 'think',
      input: { seq },
      model: 'scripted',
      checkpoint_id: null,
      activity_id: '1',
      span_id,
    };
    const tryer = { worker: 'w', build: 'b', activity_attempt: 1 };
    const identity = { episode_id: id, run_id: 'run-1', seq, parent_seq: null };
    const begun = await beginStep(db, { identity, description, tryer, freezeSpan });
    if (begun.state !== 'running') throw new Error('the step had ended');
    const usage = { input_tokens: 1, cached_tokens: 0, output_tokens: 2, reasoning_tokens: 0, usd: 0.001 };
    const end = { status: 'ok' as const, output: { said: 'yes' }, error: null, usage, artifacts };
    const rest = { workspace: null, search_text: null };
    await endStep(db, { step: begun.step, attempt: begun.attempt, end: { ...end, ...rest }, freezeSpan });
    return span_id;
  };
  return {
    database,
    collector,
    freezeSpan,
    raised,
    alerts: {
      raise: async (alert) => void raised.push(alert),
      clear: async (name, subject = '') => {
        const others = raised.filter((one) => one.name !== name || (one.subject ?? '') !== subject);
        raised.splice(0, raised.length, ...others);
      },
    },
    client,
    async startEpisode() {
      const accepted = { namespace: NAMESPACE, idempotency_key: null, code_version: null };
      return (await insertEpisode(db, { request: StartEpisode.parse({ task: 'a test' }), ...accepted })).episode;
    },
    endStep: endOne,
    async endSteps(episode, from, to) {
      const ids: string[] = [];
      for (let seq = from; seq <= to; seq += 1) ids.push(await endOne(episode, seq, []));
      return ids;
    },
    async beginRoot(episode) {
      const begun = freezeBegun({ episode, run: 'run-1', started_at: episode.created_at });
      await insertItems(db, { episode_id: episode.id, step_id: null }, [begun]);
      return rootSpanIdOf(episode.trace_id, 'run-1');
    },
    async endEpisode(episode) {
      const ended_at = new Date().toISOString();
      const line = { episode, run: 'run-1', started_at: episode.created_at, ended_at, status_message: null };
      const root = freezeRoot({ ...line, level: 'DEFAULT', output: null });
      await insertItems(db, { episode_id: episode.id, step_id: null }, [root]);
      return root.span_id;
    },
    async setFaults(plan) {
      const response = await fetch(`${collector.url}/faults`, { method: 'POST', body: JSON.stringify(plan) });
      if (!response.ok) throw new Error(await response.text());
    },
    async faultsMade() {
      const { faults } = (await (await fetch(`${collector.url}/faults`)).json()) as { faults: { made: number }[] };
      return faults.reduce((sum, { made }) => sum + made, 0);
    },
    async stored({ trace_id }) {
      const langfuse = client();
      const rows = await langfuse.listObservations(await langfuse.detect(), { traces: [trace_id] });
      return rows.map(({ id }) => id).toSorted();
    },
    async settled() {
      for (;;) {
        const { pending, sending, accepted } = await countOutbox(db);
        if (pending + sending + accepted === 0) return;
        await wait(SETTLE_POLL_MS);
      }
    },
    async [Symbol.asyncDispose]() {
      await collector[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
}
