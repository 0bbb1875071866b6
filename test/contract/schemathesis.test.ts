/**
 * Goal: every answer of the API is what openapi.json declares, to valid requests and to broken ones.
 * Method: schemathesis, with all phases and checks, on a real API process with real Postgres, S3 and Temporal and a seeded
 * record. Then nothing may stand against it, nothing may have been left out, and the server's log must be clean.
 * `npm run contract -- --seed S --max-examples N` runs it alone; docs/contract.md says how to read a failure.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createDeployment } from '../support/deployment.ts';
import { dictionariesOf, operationsOf, withExamples, withFewEvents } from './document.ts';
import type { Document } from './document.ts';
import { readRun } from './report.ts';
import type { Run } from './report.ts';
import { runSchemathesis } from './schemathesis.ts';
import type { Campaign } from './schemathesis.ts';
import { seedRecord } from './seeds.ts';
import { startApi } from './server.ts';
import type { LogEntry } from './server.ts';

const REPORTS = join(import.meta.dirname, '../../reports/contract');
/** One seed for everybody, so that a failure of `npm test` is seen again; others are for `npm run contract`. */
const SEED = Number(process.env['CONTRACT_SEED'] ?? 1);
const MAX_EXAMPLES = Number(process.env['CONTRACT_MAX_EXAMPLES'] ?? 5);
/** From so many examples on every type of event is tested. */
const ALL_EVENTS_FROM_EXAMPLES = 20;
/**
 * Most walks begin at an episode that they made, which has nothing yet, and they end early where the record has moved on. Those to
 * what was not reached begin anew at the operations that lead there, with the next seed, at most so many times.
 */
const MORE_WALKS_MAX = 6;
/** The end of what schemathesis printed holds its failures; this much of it helps, in UTF-16 units. */
const OUTPUT_CHARS_MAX = 20_000;

let document: Document;
let runs: Run[];
let log: LogEntry[];

beforeAll(async () => {
  await mkdir(REPORTS, { recursive: true });
  await using deployment = await createDeployment();
  const seeds = await seedRecord(deployment);
  await using api = await startApi(deployment, join(REPORTS, 'api.log'));
  document = (await (await fetch(`${api.url}/openapi.json`)).json()) as Document;
  const campaign = {
    url: api.url,
    key: api.key,
    document: withExamples(MAX_EXAMPLES < ALL_EVENTS_FROM_EXAMPLES ? withFewEvents(document) : document, seeds),
    settings: dictionariesOf(seeds),
    max_examples: MAX_EXAMPLES,
  };
  runs = [await runOnce(campaign, 0)];
  while (unreached().length > 0 && runs.length <= MORE_WALKS_MAX) runs.push(await runOnce(campaign, runs.length));
  log = await api.readLog();
});

async function runOnce(campaign: Omit<Campaign, 'folder' | 'seed'>, index: number): Promise<Run> {
  const folder = join(REPORTS, `schemathesis-${index}`);
  const seed = SEED + index;
  await runSchemathesis({ ...campaign, seed, folder, ...(index > 0 && { walk: waysToUnreached() }) });
  const run = await readRun(folder);
  const { test_cases, running_time } = run.verdict;
  console.log(
    `schemathesis, seed ${seed}, ${index === 0 ? `at most ${MAX_EXAMPLES} examples` : 'more walks'}: ` +
      `${test_cases.generated} requests in ${Math.round(running_time)} s, ${run.links.size} different links followed`,
  );
  return run;
}

/** Operations to which another one's answer links, and which no walk has reached. */
function unreached() {
  const reached = new Set(runs.flatMap(({ links }) => [...links].map((link) => link.split(' -> ').at(-1))));
  return operationsOf(document).filter(({ name, linked_from }) => linked_from.length > 0 && !reached.has(name));
}

const waysToUnreached = () => [...new Set(unreached().flatMap(({ id, linked_from }) => [id, ...linked_from]))];

const statusesOf = (name: string) => runs.flatMap(({ statuses }) => [...(statuses.get(name)?.keys() ?? [])]);

test('no answer differs from what is declared, and nothing broke or was warned of', () => {
  const found = runs.flatMap(({ verdict, output }) => {
    const { complete, failures, errors, warnings } = verdict;
    const warned = Object.entries(warnings).filter(([, operations]) => operations.length > 0);
    const is_clean = complete && failures.length + errors.length + warned.length === 0;
    return is_clean ? [] : [{ complete, failures, errors, warned, output: output.slice(-OUTPUT_CHARS_MAX) }];
  });
  expect(found).toEqual([]);
});

test('all phases ran, on every operation', () => {
  const { phases, operations } = runs[0]!.verdict;
  expect(phases).toMatchObject({
    examples: { skip_reason: null },
    coverage: { skip_reason: null },
    fuzzing: { skip_reason: null },
    stateful: { skip_reason: null },
  });
  const total = operationsOf(document).length;
  expect(operations).toMatchObject({ total, tested: total });
});

test('every operation did at least once what it is for', () => {
  const names = operationsOf(document).map(({ name }) => name);
  expect(names.filter((name) => !statusesOf(name).some((status) => status >= 200 && status < 300))).toEqual([]);
});

test('answers led on to every operation that one links to', () => {
  expect(operationsOf(document).some(({ linked_from }) => linked_from.length > 0)).toBe(true);
  expect(unreached()).toEqual([]);
});

test('nothing was turned away for being too much', () => {
  const names = operationsOf(document).map(({ name }) => name);
  expect(names.filter((name) => statusesOf(name).includes(429))).toEqual([]);
});

test('the server’s log holds no failure and no error of the database', () => {
  const bad = log.filter(
    ({ event, facts, text }) =>
      event === 'not JSON' || Number(facts['status'] ?? 0) >= 500 || /"code":"[0-9A-Z]{5}"/.test(text),
  );
  expect(bad.map(({ text }) => text)).toEqual([]);
  expect(log.filter(({ event }) => event === 'request').length).toBeGreaterThan(100);
});
