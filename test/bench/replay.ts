// What verifying a history costs beside the SDK's bare replay of it, in alternating rounds, and what memory does over 10,000 steps.
// The histories are made of a recorded run's turn, repeated: an episode of 10,000 steps is 14 runs, each below 4,000 events.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from '@temporalio/worker';
import { parseHistory } from '../../src/runtime/replay/history-events.ts';
import { quietRuntime, replayHistories } from '../../src/runtime/replay/replay.ts';
import { buildWorkflowBundle } from '../../src/runtime/temporal/workflow-bundle.ts';
import { HISTORIES, TEST_HOME } from '../replay/histories.ts';
import { longHistory } from './long-history.ts';

const ROUNDS = 5;
const STEPS = 1_000;
const RUNS = 14;
const STEPS_PER_RUN = 720;
/** Until then code is compiled and caches fill. */
const WARM_RUNS = 3;

/** What the bench measured: medians over alternating rounds; sizes in MB of 10^6 bytes. */
export interface ReplayBench {
  steps: number;
  verify_ms: number;
  bare_ms: number;
  ratio: number;
  long_steps: number;
  long_steps_per_s: number;
  /** What is live after a collection: after the warm runs, and how much more after the last one. */
  heap_mb: number;
  heap_growth_mb: number;
  rss_mb: number;
}

/** Measures `observatory replay` of an archived run against `Worker.runReplayHistory` of the same text. */
export async function benchReplay(): Promise<ReplayBench> {
  quietRuntime();
  const bundle = await buildWorkflowBundle(join(TEST_HOME, 'cache'));
  const recorded = await readFile(join(HISTORIES, 'continued-as-new-3.json'), 'utf8');
  const text = longHistory(recorded, STEPS);

  const verify = async () => {
    const [verdict] = await Array.fromAsync(replayHistories(bundle, [parseHistory(text)]));
    if (verdict?.verdict !== 'deterministic') throw new Error(`the history does not replay: ${verdict?.detail}`);
  };
  const bare = async () => {
    await Worker.runReplayHistory({ workflowBundle: { codePath: bundle.codePath } }, JSON.parse(text), 'bare');
  };
  await verify();
  await bare();
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    theirs.push(await timed(bare));
    ours.push(await timed(verify));
  }
  return {
    steps: STEPS,
    verify_ms: median(ours),
    bare_ms: median(theirs),
    ratio: Math.round((median(ours) / median(theirs)) * 100) / 100,
    ...(await longEpisode(bundle, longHistory(recorded, STEPS_PER_RUN))),
  };
}

async function longEpisode(bundle: Parameters<typeof replayHistories>[0], text: string) {
  function* histories() {
    for (let run = 0; run < RUNS; run++) yield parseHistory(text);
  }
  const started = performance.now();
  const heaps: number[] = [];
  for await (const { verdict } of replayHistories(bundle, histories())) {
    if (verdict !== 'deterministic') throw new Error('the long episode does not replay');
    collect();
    heaps.push(process.memoryUsage().heapUsed / 1e6);
  }
  const long_steps = RUNS * STEPS_PER_RUN;
  const seconds = (performance.now() - started) / 1000;
  const warm = heaps[WARM_RUNS - 1] ?? 0;
  return {
    long_steps,
    long_steps_per_s: Math.round(long_steps / seconds),
    heap_mb: Math.round(warm),
    heap_growth_mb: Math.round((heaps.at(-1) ?? 0) - warm),
    rss_mb: Math.round(process.memoryUsage().rss / 1e6),
  };
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return Math.round(performance.now() - started);
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
