// How many activities of episodes are done a second when twenty run at once, against activities that do nothing on the same server.
import type { Episode } from '../../src/schemas/episode.ts';
import type { Deployment } from '../support/deployment.ts';
import { bareQueue, startBareWorker } from './bare-worker.ts';
import { activityTimes, lines, median, openStage, round } from './stage.ts';

const ROUNDS = 3;
const AT_ONCE = 20;
/** As many as an episode of the bench has, its beginning and end included. */
const ACTIVITIES = 35;

/** Medians over alternating runs. */
export type ThroughputBench = { activities_per_s: number; bare_activities_per_s: number; ratio: number };

/** Measures both kinds in turns, after a round of each to warm up. */
export async function benchThroughput(): Promise<ThroughputBench> {
  await using stage = await openStage();
  const { deployment } = stage;
  await deployment.startWorker();
  const bareWorker = await startBareWorker(deployment);
  try {
    const [ours, bare]: [number[], number[]] = [[], []];
    for (let index = 0; index <= ROUNDS; index += 1) {
      const [one, other] = [await playEpisodes(deployment), await playNothing(deployment, `nothing-${index}`)];
      if (index === 0) continue;
      ours.push(one);
      bare.push(other);
    }
    return {
      activities_per_s: round(median(ours), 1),
      bare_activities_per_s: round(median(bare), 1),
      ratio: round(median(ours.map((value, index) => value / (bare[index] ?? Number.NaN))), 2),
    };
  } finally {
    await bareWorker.kill();
  }
}

type Handle = Parameters<typeof activityTimes>[0];

async function playEpisodes(deployment: Deployment): Promise<number> {
  const { workflows } = deployment;
  const episodes: Episode[] = [];
  for (let index = 0; index < AT_ONCE; index += 1) episodes.push(await deployment.rehearse(lines()));
  return perSecond(() =>
    Promise.all(
      episodes.map(async (episode) => {
        await workflows.startEpisode(episode);
        return workflows.client.workflow.getHandle(episode.workflow_id);
      }),
    ),
  );
}

function playNothing(deployment: Deployment, name: string): Promise<number> {
  const { workflow } = deployment.workflows.client;
  return perSecond(() =>
    Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) =>
        workflow.start('NothingWorkflow', {
          workflowId: `${name}-${index}`,
          taskQueue: bareQueue(deployment),
          args: [ACTIVITIES],
        }),
      ),
    ),
  );
}

/** Completed activities of these workflows a second, from their start to the end of the last. */
async function perSecond(start: () => Promise<Handle[]>): Promise<number> {
  const started = performance.now();
  const handles = await start();
  await Promise.all(handles.map((handle) => handle.result()));
  const seconds = (performance.now() - started) / 1000;
  const counts = await Promise.all(handles.map(async (handle) => (await activityTimes(handle)).length));
  return counts.reduce((sum, count) => sum + count, 0) / seconds;
}

if (import.meta.main) console.log(JSON.stringify(await benchThroughput(), null, 2));
