import type { Client } from '@temporalio/client';
import type { Kysely } from 'kysely';
import type { Alerts } from '../../alerts/alerts.ts';
import { listAlerts } from '../../db/read/alerts.ts';
import { listLookedAt } from '../../db/read/outside.ts';
import type { LookedAt } from '../../db/read/outside.ts';
import { noteStuck } from '../../db/write/outside.ts';
import { ENDED_OUTSIDE } from '../../activities/amend.ts';
import type { Database } from '../../schemas/database.ts';
import type { Stuck } from '../../schemas/episode.ts';
import { stuckSentence } from '../../schemas/workflow-state.ts';
import type { WorkflowState } from '../../schemas/workflow-state.ts';
import { forEachBounded } from '../../storage/parallel.ts';
import { startAmendment } from '../temporal/amend.ts';
import { lookAtWorkflow } from './stuck.ts';
import { readQueues, whyUnserved } from './queues.ts';

/** How often Temporal is looked at from outside: two looks agree before a record is amended. */
const LOOK_INTERVAL_MS = 15_000;
const PAGE = 500;
const LOOKS_AT_ONCE = 8;
/** One look at one workflow answers within this time. */
const LOOK_TIMEOUT_MS = 10_000;
/** An alert that an episode was ended by others is open for a day, unless the episode is open again before. */
const ENDED_OUTSIDE_MS = 24 * 3_600_000;
const ALERTS_MAX = 1_000;
/** The most episodes that one alert names. */
const NAMED_MAX = 5;
/** So many workflows may be deleted one by one; when more are missing, and most of all, their server is asked about first. */
const MISSING_MAX = 3;

export type WatchDeps = {
  db: Kysely<Database>;
  client: Client;
  prefix: string;
  alerts: Alerts;
  log: (message: string, error: unknown) => void;
};

/** Watches from outside what Temporal does with open episodes and with the queues, until it is disposed of. */
export function watchEpisodes(deps: WatchDeps): AsyncDisposable {
  const look = createLook(deps);
  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    // A look that takes longer than the interval is not doubled. What is away now is looked at again then.
    looking ??= look()
      .catch((error: unknown) => deps.log('a look from outside failed', error))
      .finally(() => {
        looking = undefined;
      });
  }, LOOK_INTERVAL_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await looking;
    },
  };
}

/** Makes the function that looks once. It remembers what the look before saw. */
function createLook(deps: WatchDeps): () => Promise<void> {
  let suspects = new Map<string, string | null>();
  return async () => {
    const seen: Seen[] = [];
    for await (const one of lookAtAll(deps)) seen.push(one);
    const started = seen.filter(({ episode }) => episode.open && episode.status !== 'queued');
    const missing = started.filter(({ workflow }) => workflow.state === 'missing').map(({ episode }) => episode);
    const spared = (await raiseMissingAlert(deps, { missing, started: started.length })) ? new Set(missing) : new Set();
    const untrue = seen.filter(({ episode, workflow }) => isUntrue(episode, workflow) && !spared.has(episode));
    for (const { episode, workflow } of untrue)
      if (suspects.get(episode.id) === workflow.run_id)
        await startAmendment(deps.client, deps.prefix, { ...episode, run_id: workflow.run_id });
    suspects = new Map(untrue.map(({ episode, workflow }) => [episode.id, workflow.run_id]));
    await raiseStuckAlerts(
      deps,
      seen.flatMap(({ episode, stuck }) => (stuck ? [{ episode, stuck }] : [])),
    );
    await raiseQueueAlerts(deps);
    await clearEnded(deps);
  };
}

type Seen = { episode: LookedAt; workflow: WorkflowState; stuck: Stuck | null };

async function* lookAtAll({ db, client }: WatchDeps): AsyncGenerator<Seen> {
  let after: string | null = null;
  for (;;) {
    const page: LookedAt[] = await listLookedAt(db, { limit: PAGE, after });
    const seen: Seen[] = [];
    await forEachBounded(page, LOOKS_AT_ONCE, async (episode) => {
      const ask = () => lookAtWorkflow(client, episode.workflow_id);
      const workflow = await client.withDeadline(Date.now() + LOOK_TIMEOUT_MS, ask);
      seen.push({ episode, workflow, stuck: stuckNow(episode, workflow) });
    });
    await noteStuck(
      db,
      seen
        .filter(({ episode, stuck }) => episode.open && JSON.stringify(stuck) !== JSON.stringify(episode.stuck))
        .map(({ episode, stuck }) => ({ episode_id: episode.id, stuck })),
    );
    yield* seen;
    after = page.at(-1)?.id ?? null;
    if (page.length < PAGE) return;
  }
}

/** What the episode is stuck on now; on the same as before, since then. */
function stuckNow(episode: LookedAt, workflow: WorkflowState): Stuck | null {
  if (!episode.open || workflow.state !== 'running' || !workflow.stuck) return null;
  const before = episode.stuck?.waits_for === workflow.stuck.waits_for ? episode.stuck : null;
  return {
    waits_for: workflow.stuck.waits_for,
    since: before?.since ?? workflow.stuck.since,
    attempt: workflow.stuck.attempt,
    because: workflow.stuck.because,
  };
}

/** Whether the record says what Temporal does not. One that waits to be started has no workflow, which is the sweep's to make. */
function isUntrue({ open, status }: LookedAt, { state }: WorkflowState): boolean {
  if (!open) return state === 'running';
  return state === 'closed' || (state === 'missing' && status !== 'queued');
}

/**
 * An alert while Temporal has none of most open episodes: that is another server or namespace than they were started in, or one
 * that lost its database, and no reason to end their records. Returns whether it is so.
 */
async function raiseMissingAlert(
  { client, alerts }: WatchDeps,
  { missing, started }: { missing: readonly LookedAt[]; started: number },
): Promise<boolean> {
  const { namespace } = client.options;
  const many = missing.length > MISSING_MAX && missing.length * 2 > started;
  if (many)
    await alerts.raise({
      name: 'workflows_missing',
      subject: namespace,
      message:
        `Temporal's namespace ${namespace} has no workflow of ${missing.length} of ${started} open episodes. Is it the server and the ` +
        'namespace that they were started in? Their records stay as they are. If it lost them, cancel them: each then ends as lost.',
      facts: { namespace, episodes: named(missing), count: String(missing.length), open: String(started) },
    });
  else await alerts.clear('workflows_missing', namespace);
  return many;
}

/** One alert for all episodes that wait for the same; those that nothing waits for any more are over. */
async function raiseStuckAlerts(
  { db, alerts }: WatchDeps,
  stuck: readonly { episode: LookedAt; stuck: Stuck }[],
): Promise<void> {
  const byCause = Map.groupBy(stuck, (one) => one.stuck.waits_for);
  for (const [waits_for, ones] of byCause) {
    const [first] = ones.toSorted((a, b) => (a.stuck.since < b.stuck.since ? -1 : 1));
    if (!first) continue;
    await alerts.raise({
      name: 'episodes_stuck',
      subject: waits_for,
      message: `${ones.length === 1 ? `Episode ${first.episode.id}` : `${ones.length} episodes, ${first.episode.id} longest:`} ${stuckSentence(first.stuck)}`,
      facts: {
        episodes: named(ones.map(({ episode }) => episode)),
        count: String(ones.length),
        since: first.stuck.since,
      },
    });
  }
  for (const { subject } of await openAlerts(db, 'episodes_stuck'))
    if (!byCause.has(subject)) await alerts.clear('episodes_stuck', subject);
}

/** One alert for each queue that nobody serves, or that grows. */
async function raiseQueueAlerts({ client, prefix, alerts }: WatchDeps): Promise<void> {
  const byQueue = Map.groupBy(await readQueues(client, prefix), ({ queue }) => queue);
  for (const [queue, states] of byQueue) {
    const why = states.flatMap((state) => whyUnserved(state) ?? []);
    if (why.length === 0) await alerts.clear('queue_unserved', queue);
    else
      await alerts.raise({
        name: 'queue_unserved',
        subject: queue,
        message: `Queue ${queue}: ${why.join('; ')}. Start workers: observatory worker.`,
        facts: Object.fromEntries(states.map(({ type, waiting }) => [`waiting_${type}_tasks`, String(waiting)])),
      });
  }
}

async function clearEnded({ db, alerts }: WatchDeps): Promise<void> {
  for (const { subject, raised_at } of await openAlerts(db, ENDED_OUTSIDE))
    if (Date.parse(raised_at) < Date.now() - ENDED_OUTSIDE_MS) await alerts.clear(ENDED_OUTSIDE, subject);
}

const openAlerts = async (db: Kysely<Database>, name: string) =>
  (await listAlerts(db, { open: true, limit: ALERTS_MAX })).filter((alert) => alert.name === name);

const named = (episodes: readonly LookedAt[]) =>
  episodes
    .slice(0, NAMED_MAX)
    .map(({ id }) => id)
    .join(', ');
