import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import { mulberry32 } from '../../src/simulation/spawn.ts';
import { getEpisode } from '../../src/db/read/episodes.ts';
import type { RunningServers } from '../../src/embedded/stack.ts';
import { createDeployment } from '../support/deployment.ts';
import { expectObjects, expectTrueRecord, stepsOf } from '../support/record.ts';
import { eightSeconds } from './episode.ts';
import { FAULTS, startAnother } from './faults.ts';
import type { Fault, Playground } from './faults.ts';

/** The episode plays for about this long; faults strike within it. */
const EPISODE_MS = 8_000;
/** At most as many things go wrong in a round, side by side where they fall so. */
const FAULTS_MAX = 3;
/** An episode that has not ended by then hangs: that is a failure of its round. */
const ROUND_MS_MAX = 180_000;

/** A round as it went. */
export type Round = { seed: number; faults: string[]; seconds: number; error?: string };

/** Something that goes wrong at a moment of the episode. */
export type Planned = { fault: Fault; at_ms: number; random: () => number };

/** What goes wrong in the round of this seed, and when: it follows from the seed alone. */
function planRound(seed: number): Planned[] {
  const random = mulberry32(seed);
  const count = 1 + Math.floor(random() * FAULTS_MAX);
  return Array.from({ length: count }, (_, index) => {
    const fault = FAULTS[Math.floor(random() * FAULTS.length)]!;
    return { fault, at_ms: random() * EPISODE_MS, random: mulberry32(seed * FAULTS_MAX + index) };
  }).toSorted((a, b) => a.at_ms - b.at_ms);
}

/** Plays one episode under these faults, or those of its seed, and holds its record against the invariants. */
export async function playRound(servers: RunningServers, seed: number, plan = planRound(seed)): Promise<Round> {
  const faults = plan.map(({ fault, at_ms }) => `${fault.name} at ${(at_ms / 1000).toFixed(1)} s`);
  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 100) / 10;
  try {
    await strikeAndCheck(servers, { seed, plan });
    return { seed, faults, seconds: seconds() };
  } catch (error) {
    return { seed, faults, seconds: seconds(), error: inspect(causesOf(error)) };
  }
}

/** What went wrong, and what then hid it: the end of a deployment fails too while a server is away. */
function causesOf(error: unknown): unknown {
  return error instanceof SuppressedError ? [causesOf(error.suppressed), causesOf(error.error)] : error;
}

async function strikeAndCheck(servers: RunningServers, { seed, plan }: { seed: number; plan: Planned[] }) {
  await using deployment = await createDeployment(servers.env);
  const workers: Playground['workers'] = [];
  await startAnother({ deployment, workers });
  const episode = await eightSeconds(deployment, seed);
  const round: Playground = { servers, deployment, episode, workers, away: new Map() };
  const strikes = await Promise.allSettled(
    plan.map(async ({ fault, at_ms, random }) => {
      await wait(at_ms);
      await fault.strike(round, random);
    }),
  );
  const failed = strikes.find((strike) => strike.status === 'rejected');
  if (failed) throw failed.reason;
  const handle = deployment.workflows.client.workflow.getHandle(episode.workflow_id);
  const result = settled(() => handle.result());
  if ((await Promise.race([result, wait(ROUND_MS_MAX, 'late', { ref: false })])) === 'late') {
    const waits = await whatItWaitsFor(round);
    await handle.terminate('the round is over');
    await result;
    throw new Error(`not ended after ${ROUND_MS_MAX / 1000} s: ${waits}`);
  }
  const { terminal_reason, failure } = await getEpisode(deployment.database.db, episode.id);
  if (terminal_reason !== 'APPROVED') throw new Error(`ended as ${terminal_reason}: ${failure?.message}`);
  await expectTrueRecord(deployment, episode.id);
  await expectObjects(deployment);
}

/** How the workers are, the activities that Temporal has open, and the steps that the record has. */
async function whatItWaitsFor({ deployment, episode, workers }: Playground): Promise<string> {
  const { raw } = await deployment.workflows.client.workflow.getHandle(episode.workflow_id).describe();
  const steps = await stepsOf(deployment, episode.id);
  const open = steps.filter(({ status }) => status === 'running');
  return inspect(
    {
      activities: raw.pendingActivities,
      task: raw.pendingWorkflowTask,
      workers: workers.map((worker) => worker.end() ?? 'runs'),
      last: steps.at(-1)?.seq,
      open: open.map(({ seq, name, started_at, attempt_count }) => ({ seq, name, started_at, attempt_count })),
    },
    { depth: 6, breakLength: Infinity },
  );
}

/** Asks again while Temporal is away; what the workflow itself threw is an end too. */
async function settled(ask: () => Promise<unknown>): Promise<'ended'> {
  for (;;) {
    try {
      await ask();
      return 'ended';
    } catch (error) {
      if (error instanceof Error && error.name === 'WorkflowFailedError') return 'ended';
      await wait(500);
    }
  }
}
