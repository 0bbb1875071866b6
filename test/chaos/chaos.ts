// Kills and stops real processes at random moments of an eight-second episode, round after round, and holds the record against
// its invariants after each. A round follows from its seed alone: `--seed S --rounds 1` runs the round that failed with S again.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { mulberry32 } from '../../src/activities/simulation/spawn.ts';
import { getEpisode } from '../../src/db/read/episodes.ts';
import { defaultHome, processEnvironment } from '../../src/runtime/config.ts';
import { startServers } from '../../src/runtime/embedded/stack.ts';
import type { RunningServers } from '../../src/runtime/embedded/stack.ts';
import { createDeployment } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';
import { expectObjects, expectTrueRecord } from '../support/record.ts';
import { eightSeconds } from './episode.ts';

/** The episode plays for about this long; faults strike within it. */
const EPISODE_MS = 8_000;
/** A server that was killed stays away for this long at most. */
const OUTAGE_MS_MAX = 20_000;
/** An episode that has not ended by then hangs: that is a failure of its round. */
const ROUND_MS_MAX = 180_000;

type Round = { seed: number; faults: string[]; seconds: number; error?: string };
type Fault = { name: string; strike: (round: Playground, random: () => number) => Promise<void> };
type Playground = {
  servers: RunningServers;
  deployment: Deployment;
  workers: Awaited<ReturnType<Deployment['startWorker']>>[];
};

const server = (name: 'postgres' | 'seaweedfs' | 'temporal'): Fault => ({
  name: `${name} killed and started again`,
  async strike({ servers }, random) {
    servers.servers.get(name)?.kill();
    await wait(random() * OUTAGE_MS_MAX);
    await servers.restart(name);
  },
});

const FAULTS: readonly Fault[] = [
  {
    name: 'worker killed, another starts',
    async strike({ deployment, workers }) {
      await workers.shift()?.kill();
      workers.push(await deployment.startWorker());
    },
  },
  {
    name: 'worker told to stop, another starts',
    async strike({ deployment, workers }) {
      const leaving = workers.shift();
      workers.push(await deployment.startWorker());
      await leaving?.stop();
    },
  },
  {
    name: 'worker frozen until its work was given to another, then woken',
    async strike({ deployment, workers }, random) {
      const [zombie] = workers;
      if (!zombie) return;
      process.kill(zombie.pid, 'SIGSTOP');
      workers.push(await deployment.startWorker());
      await wait(7_000 + random() * 5_000);
      process.kill(zombie.pid, 'SIGCONT');
    },
  },
  server('postgres'),
  server('seaweedfs'),
  server('temporal'),
];

/** Plays one episode under one to three faults; throws what the record violates. */
async function play(servers: RunningServers, seed: number): Promise<string[]> {
  const random = mulberry32(seed);
  const count = 1 + Math.floor(random() * 3);
  const faults = Array.from({ length: count }, () => ({
    fault: FAULTS[Math.floor(random() * FAULTS.length)] ?? FAULTS[0],
    at_ms: random() * EPISODE_MS,
  })).toSorted((a, b) => a.at_ms - b.at_ms);
  const names = faults.map(({ fault, at_ms }) => `${fault?.name} at ${(at_ms / 1000).toFixed(1)} s`);
  await using deployment = await createDeployment(servers.env);
  const playground = { servers, deployment, workers: [await deployment.startWorker()] };
  const episode = await eightSeconds(deployment, seed);
  const handle = deployment.workflows.client.workflow.getHandle(episode.workflow_id);
  const started = performance.now();
  for (const { fault, at_ms } of faults) {
    await wait(Math.max(0, at_ms - (performance.now() - started)));
    await fault?.strike(playground, random);
  }
  const ended = await Promise.race([settled(() => handle.result()), wait(ROUND_MS_MAX, 'late', { ref: false })]);
  if (ended === 'late') throw new RoundError(names, `the episode had not ended after ${ROUND_MS_MAX / 1000} s`);
  const { terminal_reason } = await getEpisode(deployment.database.db, episode.id);
  if (terminal_reason !== 'APPROVED') throw new RoundError(names, `ended as ${terminal_reason}`);
  try {
    await expectTrueRecord(deployment, episode.id);
    await expectObjects(deployment);
  } catch (error) {
    throw new RoundError(names, error instanceof Error ? error.message : String(error));
  }
  return names;
}

class RoundError extends Error {
  readonly faults: string[];
  constructor(faults: string[], message: string) {
    super(message);
    this.faults = faults;
  }
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

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(
    'npm run chaos -- [--rounds 10] [--seed 1] [--json]\nRound i has the seed S + i - 1; exit code 1 when any failed.',
  );
  process.exit(0);
}
const say = (line: string) => (values.json ? console.error(line) : console.log(line));
const home = await mkdtemp(join(tmpdir(), 'observatory-chaos-'));
const cache = join(defaultHome(processEnvironment()), 'cache');
const servers = await startServers({ home, env: {}, log: say, cache, ports: 'any' });
const rounds: Round[] = [];
try {
  for (let index = 0; index < Number(values.rounds); index += 1) {
    const seed = Number(values.seed) + index;
    const began = performance.now();
    const seconds = () => Math.round((performance.now() - began) / 100) / 10;
    try {
      rounds.push({ seed, faults: await play(servers, seed), seconds: seconds() });
    } catch (error) {
      const faults = error instanceof RoundError ? error.faults : [];
      rounds.push({ seed, faults, seconds: seconds(), error: error instanceof Error ? error.message : String(error) });
    }
    const { faults, error, seconds: took } = rounds.at(-1)!;
    say(`seed ${seed}: ${error ? `FAILED: ${error}` : 'passed'} in ${took} s (${faults.join('; ')})`);
  }
} finally {
  await servers.stop();
  await rm(home, { recursive: true, force: true });
}
const failed = rounds.filter(({ error }) => error !== undefined);
const summary = { rounds: rounds.length, passed: rounds.length - failed.length, failed };
say(`${summary.passed} passed, ${failed.length} failed`);
if (values.json) console.log(JSON.stringify(summary));
process.exitCode = failed.length > 0 ? 1 : 0;
