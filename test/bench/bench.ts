// npm run bench [name] -- --json: measures against a peer in the same run, since machines are noisy: ratios are what counts.
import { parseArgs } from 'node:util';
import { benchSimulation } from './simulation.ts';
import { benchTraces } from './traces.ts';

type Bench = {
  run: () => Promise<object>;
  /** What figures are to reach, and what they are to stay below. A figure that is null was not measured on this machine. */
  targets: Record<string, number>;
  limits?: Record<string, number>;
};

/** What there is to measure. Figures are recorded in docs/benchmarks.md. */
const BENCHES: Record<string, Bench> = {
  simulation: { run: benchSimulation, targets: { ratio: 0.4, film_frames_per_s_one_core: 90 } },
  traces: {
    run: benchTraces,
    targets: { ratio: 1, arrived: 5_000, backlog_confirmed: 100_000 },
    limits: { sender_mb_peak: 300, accepted_s_p95: 5, away_ratio: 1.05 },
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
const names = Object.keys(BENCHES);
const wanted = Object.entries(BENCHES).filter(([name]) => positionals.length === 0 || positionals.includes(name));
if (values.help || wanted.length === 0) {
  console.log(`npm run bench [name] -- [--json]\nThere is: ${names.join(', ')}.`);
  process.exit(values.help ? 0 : 2);
}
const results: Record<string, object> = {};
let missed = 0;
for (const [name, { run, targets, limits = {} }] of wanted) {
  const figures = (await run()) as Record<string, number | null>;
  results[name] = figures;
  const bounds = [
    ...Object.entries(targets).map(([figure, bound]) => ({ figure, bound, words: 'at least', over: 1 })),
    ...Object.entries(limits).map(([figure, bound]) => ({ figure, bound, words: 'at most', over: -1 })),
  ];
  for (const { figure, bound, words, over } of bounds) {
    const value = figures[figure] ?? null;
    if (value !== null && !(over * value >= over * bound)) missed += 1;
    if (!values.json) console.log(`${name}: ${figure} is ${value ?? 'not measured here'}; ${words} ${bound} is wanted`);
  }
}
console.log(JSON.stringify(results, null, values.json ? 0 : 2));
process.exitCode = missed > 0 ? 1 : 0;
