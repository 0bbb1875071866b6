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
import { AMEND_WORKFLOW, amendIdOf, taskQueue } from '../../workflows/names.ts';
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
    const now = new Map<string, string | null>();
    const stuck: { episode: LookedAt; stuck: Stuck }[] = [];
    for await (const { episode, workflow, stuck: found } of lookAtAll(deps)) {
      if (found) stuck.push({ episode, stuck: found });
      if (!isUntrue(episode, workflow)) continue;
      now.set(episode.id, workflow.run_id);
      if (suspects.get(episode.id) === workflow.run_id) await startAmendment(deps, episode, workflow.run_id);
    }
    suspects = now;
    await raiseStuckAlerts(deps, stuck);
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

async function startAmendment({ client, prefix }: WatchDeps, episode: LookedAt, run_id: string | null): Promise<void> {
  await client.workflow.start(AMEND_WORKFLOW, {
    workflowId: `${prefix}${amendIdOf(episode.id, run_id)}`,
    taskQueue: taskQueue(prefix, 'maintenance'),
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ episode_id: episode.id, workflow_id: episode.workflow_id, run_id }],
    staticSummary: 'Brings the record to what Temporal says of its workflow',
  });
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
    const named = ones.slice(0, NAMED_MAX).map(({ episode }) => episode.id);
    await alerts.raise({
      name: 'episodes_stuck',
      subject: waits_for,
      message: `${ones.length === 1 ? `Episode ${first.episode.id}` : `${ones.length} episodes, ${first.episode.id} longest:`} ${stuckSentence(first.stuck)}`,
      facts: { episodes: named.join(', '), count: String(ones.length), since: first.stuck.since },
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
