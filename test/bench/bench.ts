// npm run bench [name] -- --json: measures against a peer in the same run, since machines are noisy: ratios are what counts.
import { parseArgs } from 'node:util';
import { benchApi } from './api.ts';
import { benchSimulation } from './simulation.ts';

/** What there is to measure, and the bound that each ratio is held to. Figures are recorded in docs/benchmarks.md. */
const BENCHES = {
  api: { run: benchApi, targets: { step_page_ratio: 0.5, list_and_search_headroom: 1, requests_ratio: 0.5 } },
  simulation: {
    run: benchSimulation,
    targets: { ratio: 0.4, film_frames_per_s_one_core: 90 },
  },
} as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
const names = Object.keys(BENCHES) as (keyof typeof BENCHES)[];
const wanted = names.filter((name) => positionals.length === 0 || positionals.includes(name));
if (values.help || wanted.length === 0) {
  console.log(`npm run bench [name] -- [--json]\nThere is: ${names.join(', ')}.`);
  process.exit(values.help ? 0 : 2);
}
const results: Record<string, object> = {};
let missed = 0;
for (const name of wanted) {
  const { run, targets } = BENCHES[name];
  const figures: Record<string, unknown> = { ...(await run()) };
  results[name] = figures;
  for (const [figure, target] of Object.entries(targets)) {
    const value = figures[figure];
    const measured = typeof value === 'number';
    if (measured && value < target) missed += 1;
    if (!values.json)
      console.log(`${name}: ${figure} is ${measured ? value : 'not measured here'}; at least ${target} is wanted`);
  }
}
console.log(JSON.stringify(results, null, values.json ? 0 : 2));
process.exitCode = missed > 0 ? 1 : 0;
