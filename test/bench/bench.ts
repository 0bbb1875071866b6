// npm run bench [name] -- --json: measures against a peer in the same run, since machines are noisy: ratios are what counts.
import { parseArgs } from 'node:util';
import { benchApi } from './api.ts';
import { benchRecovery } from './recovery.ts';
import { benchReplay } from './replay.ts';
import { benchLogIntake } from './log-intake.ts';
import { benchLongEpisode } from './long-episode.ts';
import { benchMemory } from './memory.ts';
import { benchSimulation } from './simulation.ts';
import { benchSuperstep } from './superstep.ts';
import { benchThroughput } from './throughput.ts';
import { benchTraces } from './traces.ts';

type Bound = { min: number } | { max: number };
type Bench = { run: () => Promise<object>; targets: Record<string, Bound> };

/** What there is to measure, and the bound that each figure is held to. Figures are recorded in docs/benchmarks.md. */
const BENCHES: Record<string, Bench> = {
  api: {
    run: benchApi,
    targets: { step_page_ratio: { min: 0.5 }, list_and_search_headroom: { min: 1 }, requests_ratio: { min: 0.5 } },
  },
  recovery: {
    run: benchRecovery,
    targets: {
      point_speed: { min: 0.77 },
      mirror_speed: { min: 1 },
      mirror_again_speed: { min: 2 },
      memory_room: { min: 1 },
    },
  },
  replay: { run: benchReplay, targets: { ratio: { max: 1.2 }, heap_growth_mb: { max: 32 } } },
  simulation: {
    run: benchSimulation,
    targets: { ratio: { min: 0.4 }, judging_us_per_step: { max: 13 }, film_frames_per_s_one_core: { min: 90 } },
  },
  superstep: { run: benchSuperstep, targets: { superstep_ratio: { max: 1.25 }, tool_call_more_ms: { max: 15 } } },
  traces: {
    run: benchTraces,
    targets: {
      ratio: { min: 1 },
      arrived: { min: 5_000 },
      backlog_confirmed: { min: 100_000 },
      sender_mb_peak: { max: 300 },
      accepted_s_p95: { max: 5 },
      away_ratio: { max: 1.05 },
    },
  },
  throughput: { run: benchThroughput, targets: { ratio: { min: 0.6 } } },
  memory: { run: benchMemory, targets: { open_mib: { max: 600 } } },
  'log-intake': { run: benchLogIntake, targets: { lines_per_s: { min: 20_000 } } },
  'long-episode': {
    run: benchLongEpisode,
    targets: {
      steps: { min: 2_000 },
      history_events: { max: 5_000 },
      history_bytes: { max: 10_000_000 },
      payload_bytes: { max: 65_536 },
      database_bytes_per_step: { max: 20_000 },
    },
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
const wanted = Object.entries(BENCHES).filter(([name]) => positionals.length === 0 || positionals.includes(name));
if (values.help || wanted.length === 0) {
  console.log(`npm run bench [name] -- [--json]\nThere is: ${Object.keys(BENCHES).join(', ')}.`);
  process.exit(values.help ? 0 : 2);
}
const results: Record<string, object> = {};
let missed = 0;
for (const [name, { run, targets }] of wanted) {
  const figures = await run();
  results[name] = figures;
  for (const [figure, bound] of Object.entries(targets)) {
    const value = (figures as Record<string, number | null>)[figure] ?? null;
    const isMissed = value !== null && ('min' in bound ? value < bound.min : value > bound.max);
    if (isMissed) missed += 1;
    const aim = 'min' in bound ? `at least ${bound.min}` : `at most ${bound.max}`;
    const found = `${name}: ${figure} is ${value ?? 'not measured here'}; ${aim} is wanted`;
    if (!values.json) console.log(isMissed ? `${found}: MISSED` : found);
  }
}
console.log(JSON.stringify(results, null, values.json ? 0 : 2));
process.exitCode = missed > 0 ? 1 : 0;
