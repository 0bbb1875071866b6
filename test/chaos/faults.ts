import { setTimeout as wait } from 'node:timers/promises';
import { until } from '../../src/embedded/until.ts';
import type { PartName, RunningServers } from '../../src/embedded/stack.ts';
import type { Episode } from '../../src/schemas/episode.ts';
import type { Deployment, WorkerProcess } from '../support/deployment.ts';
import { resetWorkflow } from '../support/reset.ts';

/** A server that was killed stays away for this long at most. */
const OUTAGE_MS_MAX = 20_000;
/** A worker that is frozen for longer than its heartbeats' timeout loses its work to another. */
const FROZEN_MS = { min: 7_000, max: 12_000 };
/** A worker that cannot start while a server is away is started again until it serves. */
const WORKER_MS_MAX = 90_000;

/** What a round is played on. The first of the workers is the one that has served longest. */
export type Playground = {
  servers: RunningServers;
  deployment: Deployment;
  episode: Episode;
  workers: WorkerProcess[];
  /** The servers that are away just now, and when they are back. */
  away: Map<PartName, Promise<void>>;
};

/** Something that goes wrong. `random` is its own, so that what it draws does not depend on what else goes wrong meanwhile. */
export type Fault = { name: string; strike: (round: Playground, random: () => number) => Promise<void> };

/** Starts another worker, again and again while a server that it needs is away. */
export async function startAnother({ deployment, workers }: Pick<Playground, 'deployment' | 'workers'>): Promise<void> {
  const attempt = () => deployment.startWorker();
  workers.push(await until({ what: 'the start of a worker', duration_ms_max: WORKER_MS_MAX, attempt }));
}

/** A server is killed, and started again after `outage_s`; where that is not given, after as long as is drawn. */
export const outageOf = (name: PartName, outage_s?: number): Fault => ({
  name: `${name} killed and started again`,
  async strike({ servers, away }, random) {
    const outage_ms = outage_s === undefined ? random() * OUTAGE_MS_MAX : outage_s * 1000;
    await away.get(name);
    const back = (async () => {
      servers.servers.get(name)?.kill();
      await wait(outage_ms);
      await servers.restart(name);
    })();
    away.set(name, back);
    await back;
  },
});

/** Everything that a round may draw. */
export const FAULTS: readonly Fault[] = [
  {
    name: 'worker killed, another starts',
    async strike(round) {
      await round.workers.shift()?.kill();
      await startAnother(round);
    },
  },
  {
    name: 'worker told to stop, another starts',
    async strike(round) {
      const leaving = round.workers.shift();
      await startAnother(round);
      await leaving?.stop();
    },
  },
  {
    name: 'worker frozen until its work was given to another, then woken',
    async strike(round, random) {
      const [zombie] = round.workers;
      if (!zombie) return;
      signal(zombie, 'SIGSTOP');
      await startAnother(round);
      await wait(FROZEN_MS.min + random() * (FROZEN_MS.max - FROZEN_MS.min));
      signal(zombie, 'SIGCONT');
    },
  },
  {
    name: 'workflow reset to a task before',
    async strike({ deployment, episode }, random) {
      const place = random();
      const at = (tasks: number) => Math.floor(place * tasks);
      const attempt = async () => (await resetWorkflow(deployment, episode, at)) ?? true;
      await until({ what: 'the reset', duration_ms_max: WORKER_MS_MAX, attempt });
    },
  },
  outageOf('postgres'),
  outageOf('seaweedfs'),
  outageOf('temporal'),
];

function signal({ pid }: WorkerProcess, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // another fault killed it meanwhile
  }
}
