// What the record costs: a superstep and a tool call of an episode, against the same as bare activities. Episodes run four at once.
import type { Episode } from '../../src/schemas/episode.ts';
import type { Deployment } from '../support/deployment.ts';
import { bareQueue, startBareWorker } from './bare-worker.ts';
import { activityTimes, CALLS, lines, median, openStage, round } from './stage.ts';

const ROUNDS = 3;
const AT_ONCE = 4;

/** Medians over alternating runs, in milliseconds from being scheduled to being completed. */
export type SuperstepBench = {
  superstep_ms: number;
  bare_superstep_ms: number;
  superstep_ratio: number;
  tool_call_ms: number;
  bare_tool_call_ms: number;
  tool_call_more_ms: number;
};

type Times = { superstep: number; call: number };

/** Measures both kinds in turns, after a round of each to warm up. */
export async function benchSuperstep(): Promise<SuperstepBench> {
  await using stage = await openStage();
  const { deployment } = stage;
  await deployment.startWorker();
  const bareWorker = await startBareWorker(deployment);
  try {
    const rounds: { ours: Times; bare: Times }[] = [];
    for (let index = 0; index <= ROUNDS; index += 1) {
      const both = { ours: await playRecorded(deployment), bare: await playBare(deployment, `bare-${index}`) };
      if (index > 0) rounds.push(both);
    }
    const mid = (of: (one: (typeof rounds)[number]) => number, decimals = 1) => round(median(rounds.map(of)), decimals);
    return {
      superstep_ms: mid(({ ours }) => ours.superstep),
      bare_superstep_ms: mid(({ bare }) => bare.superstep),
      superstep_ratio: mid(({ ours, bare }) => ours.superstep / bare.superstep, 2),
      tool_call_ms: mid(({ ours }) => ours.call),
      bare_tool_call_ms: mid(({ bare }) => bare.call),
      tool_call_more_ms: mid(({ ours, bare }) => ours.call - bare.call),
    };
  } finally {
    await bareWorker.kill();
  }
}

async function playRecorded(deployment: Deployment): Promise<Times> {
  const { workflows } = deployment;
  const episodes: Episode[] = [];
  for (let index = 0; index < AT_ONCE; index += 1) episodes.push(await deployment.rehearse(lines()));
  await Promise.all(episodes.map((episode) => workflows.startEpisode(episode)));
  const handles = episodes.map(({ workflow_id }) => workflows.client.workflow.getHandle(workflow_id));
  await Promise.all(handles.map((handle) => handle.result()));
  return timesOf(handles, { superstep: 'advance', call: 'callTool' });
}

async function playBare(deployment: Deployment, name: string): Promise<Times> {
  const { workflow } = deployment.workflows.client;
  const handles = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, index) =>
      workflow.start('BareEpisodeWorkflow', {
        workflowId: `${name}-${index}`,
        taskQueue: bareQueue(deployment),
        args: [{ id: `${name}-${index}`, calls: CALLS }],
      }),
    ),
  );
  await Promise.all(handles.map((handle) => handle.result()));
  return timesOf(handles, { superstep: 'advance', call: 'look' });
}

type Handle = Parameters<typeof activityTimes>[0];

async function timesOf(handles: Handle[], types: { superstep: string; call: string }): Promise<Times> {
  const all = async (type: string) => (await Promise.all(handles.map((handle) => activityTimes(handle, type)))).flat();
  return { superstep: median(await all(types.superstep)), call: median(await all(types.call)) };
}

if (import.meta.main) console.log(JSON.stringify(await benchSuperstep(), null, 2));
