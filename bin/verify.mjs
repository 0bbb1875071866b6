/**
 * The tiers of tests. `npm run verify`: everything that needs no server, in about a minute: format, lint, types, dead code,
 * drift of generated files, lint of the API's document, unit and replay tests. `npm test` (`--all`): that, then the vitest
 * projects with servers. `npm run test:matrix` (`--matrix`): other builds, servers and clients. The last line of the latter two is
 * `N passed, N failed` over all tests that ran; with `--sum` over those of the runs before in this folder, too. Prints the
 * output of what failed only; exits 1 when anything did.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
/** Where each step leaves its output, and vitest its counts; git ignores it. Relative to ROOT, the steps' working folder. */
const REPORTS = 'reports';
/** Vitest projects that need no server. The others run one after another. */
const SERVERLESS_PROJECTS = new Set(['unit', 'replay']);
/** Those that take long for what rarely breaks: they run with `--matrix` only. */
const MATRIX_PROJECTS = new Set(['matrix']);
/** Steps of verify that run side by side: the machines that build this have two cores. */
const PARALLEL_STEPS_MAX = 2;
/** A step of verify takes seconds; one that hangs must not hang the build. */
const STEP_DURATION_MS_MAX = 900_000;
/** A project with real servers boots them, kills them and waits for recovery. */
const PROJECT_DURATION_MS_MAX = 30 * 60_000;
const MATRIX_DURATION_MS_MAX = 45 * 60_000;

/** Generated files that can be checked without a server. `migrations/schema.sql` needs Postgres: an integration test checks it. */
const GENERATED = [{ file: 'openapi.json', script: 'src/api/openapi-file.ts' }];

/**
 * @typedef {{ name: string, command: string[], report?: string }} Step `report` is where vitest writes its JSON.
 * @typedef {Step & { ok: boolean, seconds: number }} Outcome
 */

if (process.features.typescript === undefined) {
  console.error(
    'verify needs Node 24: run it as `npm run verify` or `npm test`, which use the one that npm installed.',
  );
  process.exit(1);
}
process.exitCode = (await main(new Set(process.argv.slice(2)))) ? 0 : 1;

/** @param {Set<string>} flags @returns {Promise<boolean>} whether everything passed */
async function main(flags) {
  process.chdir(ROOT);
  mkdirSync(REPORTS, { recursive: true });
  const { default: config } = await import('../vitest.config.ts');
  const projects = config.test.projects.map((project) => project.test.name);
  const serverless = testStep(
    'tests',
    projects.filter((name) => SERVERLESS_PROJECTS.has(name)),
  );
  const matrix = projects.filter((name) => MATRIX_PROJECTS.has(name)).map((name) => testStep(name, [name]));
  const withServers = projects
    .filter((name) => !SERVERLESS_PROJECTS.has(name) && !MATRIX_PROJECTS.has(name))
    .map((name) => testStep(name, [name]));

  /** @type {Outcome[]} */ const outcomes = [];
  if (flags.has('--matrix')) {
    outcomes.push(...(await runAll('matrix', matrix, { width: 1, durationMs: MATRIX_DURATION_MS_MAX })));
  } else {
    const limits = { width: PARALLEL_STEPS_MAX, durationMs: STEP_DURATION_MS_MAX };
    outcomes.push(...(await runAll('verify', checks(serverless), limits)));
    if (flags.has('--all'))
      outcomes.push(...(await runAll('test', withServers, { width: 1, durationMs: PROJECT_DURATION_MS_MAX })));
  }
  const earlier = flags.has('--sum') ? [serverless, ...withServers] : [];
  const before = earlier.map(({ report = '' }) => ({ report, ok: existsSync(report) }));
  const { passed, failed } = countTests([...before, ...outcomes]);
  if (flags.has('--all') || flags.has('--matrix')) console.log(`${passed} passed, ${failed} failed`);
  return outcomes.every(({ ok }) => ok) && failed === 0 && passed > 0;
}

/** Everything that needs no server. @param {Step} tests @returns {Step[]} */
function checks(tests) {
  // A generator that is not written yet is no drift; one that is always runs.
  const generated = GENERATED.filter(({ script }) => existsSync(script));
  return [
    tests,
    { name: 'lint', command: ['oxlint'] },
    { name: 'types', command: ['tsc', '-p', '.'] },
    { name: 'types of the page', command: ['tsc', '-p', 'src/web'] },
    { name: 'dead code', command: ['knip', '--no-progress'] },
    ...generated.map(({ file, script }) => ({ name: file, command: ['node', script, '--check'] })),
    { name: 'openapi lint', command: ['redocly', 'lint', 'openapi.json'] },
    { name: 'format', command: ['oxfmt', '--check', '.'] },
  ];
}

/** @param {string} name @param {string[]} projects @returns {Step} */
function testStep(name, projects) {
  const report = join(REPORTS, `vitest-${name}.json`);
  const select = projects.flatMap((project) => ['--project', project]);
  const output = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  return { name, report, command: ['vitest', 'run', ...select, ...output] };
}

/**
 * Runs steps, at most `width` at a time, prints what failed as it fails and one line at the end.
 * @param {string} title @param {Step[]} steps @param {{ width: number, durationMs: number }} limits
 * @returns {Promise<Outcome[]>}
 */
async function runAll(title, steps, { width, durationMs }) {
  const started = Date.now();
  /** @type {Outcome[]} */ const outcomes = [];
  const waiting = [...steps];
  const lane = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) outcomes.push(await run(step, durationMs));
  };
  await Promise.all(Array.from({ length: width }, lane));
  const bad = outcomes.filter(({ ok }) => !ok).map(({ name }) => name);
  const times = outcomes.map(({ name, seconds }) => `${name} ${seconds}`).join(', ');
  const verdict = bad.length === 0 ? 'ok' : `FAILED (${bad.join(', ')})`;
  console.log(`${title}: ${verdict} in ${secondsSince(started)} s: ${times}`);
  return outcomes;
}

/** @param {Step} step @param {number} durationMs @returns {Promise<Outcome>} */
async function run(step, durationMs) {
  const started = Date.now();
  const logFile = join(REPORTS, `${step.name.replaceAll(' ', '-')}.log`);
  // A report of an earlier run must not be counted as this one's.
  if (step.report) rmSync(step.report, { force: true });
  const log = openSync(logFile, 'w');
  const { runBounded } = await import('./bounded.ts');
  const why = await runBounded(step.command, {
    durationMs,
    env: {
      ...process.env,
      PATH: join(ROOT, 'node_modules/.bin') + delimiter + process.env.PATH,
      // A check asks nobody whether there is a newer version of itself.
      REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
    },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  if (why) console.error(`── ${step.name}: ${why} (${step.command.join(' ')})\n${readFileSync(logFile, 'utf8')}`);
  return { ...step, ok: why === '', seconds: secondsSince(started) };
}

/**
 * Sums vitest's counts. A file that failed before its first test, and a run that left no report, count as one failure:
 * vitest itself counts neither.
 * @param {Pick<Outcome, 'report' | 'ok'>[]} outcomes
 */
function countTests(outcomes) {
  let passed = 0;
  let failed = 0;
  for (const { report, ok } of outcomes) {
    if (!report) continue;
    const result = existsSync(report)
      ? JSON.parse(readFileSync(report, 'utf8'))
      : { numPassedTests: 0, numFailedTests: 0 };
    const broken = (result.testResults ?? []).filter(
      (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
    );
    const counted = result.numFailedTests + broken.length;
    passed += result.numPassedTests;
    failed += counted === 0 && !ok ? 1 : counted;
  }
  return { passed, failed };
}

/** @param {number} started milliseconds @returns {number} seconds, to a tenth */
function secondsSince(started) {
  return Math.round((Date.now() - started) / 100) / 10;
}
