// The scripts' lines that follow from what was heard: each with the answers of success and of failure.
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { createAgents } from '../../../src/agents/agents.ts';
import { listScripts, findScript } from '../../../src/agents/scripts/scripts.ts';
import { narrowFunnel } from '../../../src/agents/scripts/narrow-funnel.ts';
import { outOfBudget } from '../../../src/agents/scripts/out-of-budget.ts';
import { sidewaysTransfer } from '../../../src/agents/scripts/sideways-transfer.ts';
import { createRegistry } from '../../../src/agents/tools/registry.ts';
import type { JitteredTrial, SimulationResult } from '../../../src/schemas/simulation.ts';
import { playRole } from './play.ts';
import type { Answers, PlayedCall } from './play.ts';

const { get: getAgent } = createAgents(new Map());

const VALID = 'Valid: 62.50 of 85.00 USD, 1523 of 1600 g.\n- base_plate: 15.50 USD, 809.7 g';
const TOO_DEAR = 'Not valid, 1 violation: 90.00 of 85.00 USD, 1523 of 1600 g.\nCOST_OVER_LIMIT assembly: too dear';
const HIT = 'FORBID_ZONE_HIT: projectile_ball entered cable_corridor. Robustness 0/5. Result: [Video](s3://bucket/a)';
const REACHED = 'Goal achieved: projectile_ball reached the goal zone. Robustness 5/5. Result: [Video](s3://bucket/b)';
const REFUSED = new Error('commands cannot be run on this worker: there is no sandbox');

/** The coder's tools: what simulations say, in order, and whether commands run. */
function coderTools(simulations: (string | Error)[], command: string | Error = 'exit code 0\n11\n'): Answers {
  const rest = [...simulations];
  return ({ name }) => {
    if (name === 'simulate') return rest.shift() ?? new Error('nothing more to simulate');
    if (name === 'execute_command') return command;
    return name === 'validate_costing_and_price' ? VALID : 'done';
  };
}

function written(calls: PlayedCall[], path: string): string {
  const call = calls.findLast(({ name, args }) => name === 'write_file' && args['path'] === path);
  return z.string().parse(call?.args['content']);
}

test('every call of every script names a tool that its role has, with arguments that the tool takes', () => {
  const registry = createRegistry();
  const tools = ({ name }: PlayedCall) => (name === 'simulate' ? REACHED : 'done');
  for (const script of listScripts()) {
    const agent = getAgent(script === outOfBudget ? 'single_engineer' : 'mechanism_engineer');
    for (const role of agent.roles)
      for (const answers of [tools, () => REFUSED]) {
        const { calls } = playRole({ script, role: role.name, turns: 3 }, answers);
        expect(calls.length).toBeGreaterThan(0);
        for (const { name, args } of calls) {
          expect(role.tools).toContain(name);
          expect(registry.get(name)?.input.safeParse(args)).toMatchObject({ success: true });
        }
      }
  }
});

test('scripts are found by name, the demo without one', () => {
  expect(findScript(undefined)).toBe(sidewaysTransfer);
  expect(findScript('narrow-funnel')).toBe(narrowFunnel);
  expect(findScript('none')).toBeUndefined();
});

test('the planner names the servo that it found, or says that it was not shown', () => {
  const found = 'ServoMotor_DS3218: DSServo DS3218 · $18.50 · 60 g · 1.96 N·m';
  const answers =
    (search: string): Answers =>
    ({ name }) =>
      name === 'search_cots_catalog' ? search : name === 'validate_costing_and_price' ? VALID : 'done';
  const { said, named } = playRole(
    { script: sidewaysTransfer, role: 'engineer_planner' },
    answers(`1 found\n${found}`),
  );
  expect(said[2]).toContain(found);
  expect(named('submit_engineering_plan')[0]?.args['summary']).toContain('62.50 of 85.00 USD, 1523 of 1600 g');
  expect(playRole({ script: sidewaysTransfer, role: 'engineer_planner' }, answers('0 found')).said[2]).toMatch(
    /did not show the DS3218/,
  );
});

test.each([
  { costing: VALID, decision: 'APPROVED', reason: /corridor; 62\.50 of 85\.00 USD/ },
  { costing: TOO_DEAR, decision: 'REJECTED', reason: /does not hold: 90\.00 of 85\.00 USD/ },
])('the plan reviewer decides $decision by the costing', ({ costing, decision, reason }) => {
  const { calls, named } = playRole({ script: sidewaysTransfer, role: 'engineer_plan_reviewer' }, () => costing);
  expect(named('finish')[0]?.args).toMatchObject({ decision, reason: expect.stringMatching(reason) });
  const review: unknown = parse(written(calls, '/reviews/engineering-plan-review-round-1.yaml'));
  expect(review).toMatchObject({ decision, checklist: { within_cost_and_weight: decision === 'APPROVED' } });
});

test('the coder reads why the first simulation failed, widens the funnel, and keeps a journal by step', () => {
  const { said, calls, named } = playRole(
    { script: sidewaysTransfer, role: 'engineer_coder' },
    coderTools([HIT, REACHED]),
  );
  const [first, second] = named('simulate').map(({ step }) => step);
  const [edit] = named('edit_file');
  expect(said).toContainEqual(expect.stringContaining('FORBID_ZONE_HIT: projectile_ball entered cable_corridor'));
  expect(edit?.args).toMatchObject({ old_string: 'const funnel_width = 88', new_string: 'const funnel_width = 140' });
  expect(written(calls, '/journal.md').split('\n')).toEqual([
    '# Journal',
    `- step ${first}, seed 0: FORBID_ZONE_HIT: projectile_ball entered cable_corridor. Robustness 0/5.`,
    `- step ${edit?.step}: in /solution_script.mjs "const funnel_width = 88" became "const funnel_width = 140".`,
    `- step ${second}, seed 0: Goal achieved: projectile_ball reached the goal zone. Robustness 5/5.`,
    '',
  ]);
  expect(JSON.parse(written(calls, '/validation_results.json'))).toMatchObject({
    costing: { valid: true },
    simulations: [
      { step: first, success: false },
      { step: second, success: true, robust: { of: 5, succeeded: 5 } },
    ],
    commands: true,
  });
  expect(named('submit_for_review')[0]?.args['summary']).toMatch(/^Goal achieved.*step \d+, seed 0; 62\.50/);
  expect(calls.filter(({ args }) => args['path'] === '/scene.xml' && 'content' in args)).toEqual([]);
});

test('where no command can be run the coder writes each scene by hand and says so', () => {
  const { calls, named } = playRole(
    { script: sidewaysTransfer, role: 'engineer_coder' },
    coderTools([HIT, REACHED], REFUSED),
  );
  const scenes = calls.filter(({ name, args }) => name === 'write_file' && args['path'] === '/scene.xml');
  expect(scenes).toHaveLength(2);
  expect(scenes[0]?.args['content']).not.toBe(scenes[1]?.args['content']);
  expect(written(calls, '/journal.md')).toMatch(
    /step \d+: the command did not run \(.*no sandbox\): scene\.xml was written by hand/,
  );
  expect(named('submit_for_review')[0]?.args['summary']).toContain('scene.xml was written by hand');
});

test('a command that ends in an error counts as one that did not run', () => {
  const { calls } = playRole(
    { script: sidewaysTransfer, role: 'engineer_coder' },
    coderTools([HIT, REACHED], 'exit code 127\nnode: not found'),
  );
  expect(written(calls, '/journal.md')).toContain('(exit code 127\nnode: not found): scene.xml was written by hand');
});

test('a simulation that could not run is said in thought, journal and summary', () => {
  const broken = new Error('the scene cannot be compiled');
  const { said, calls, named } = playRole(
    { script: sidewaysTransfer, role: 'engineer_coder' },
    coderTools([broken, broken]),
  );
  expect(said).toContainEqual('The simulation did not run: the scene cannot be compiled');
  expect(written(calls, '/journal.md')).toContain('no simulation ran: the scene cannot be compiled');
  expect(named('submit_for_review')[0]?.args['summary']).toMatch(/no simulation of it ran/);
});

test('the coder of the narrow funnel tries another seed in each of three rounds and changes nothing', () => {
  const weak = REACHED.replace('5/5', '3/5');
  const { calls, named } = playRole(
    { script: narrowFunnel, role: 'engineer_coder', turns: 3 },
    coderTools([weak, weak, weak]),
  );
  expect(named('submit_for_review')).toHaveLength(3);
  expect(named('simulate').map(({ args }) => args['seed'])).toEqual([0, 11, 10]);
  expect(named('edit_file')).toEqual([]);
  expect(written(calls, '/solution_script.mjs')).toContain('const funnel_width = 104 ');
  expect(written(calls, '/journal.md').match(/step \d+, seed/g)).toHaveLength(3);
});

const trial = { time_s: 6, steps: 3_000, trajectory_sha256: 'a'.repeat(64) };
const jitter = (reached: boolean, seed: number): JitteredTrial =>
  reached
    ? { success: true, failure_reason: 'NONE', detail: 'reached', seed, ...trial }
    : { success: false, failure_reason: 'TIMEOUT', detail: 'late', seed, ...trial };

function resultOf(reached: number, success = true): SimulationResult {
  const outcome = success
    ? { success, failure_reason: 'NONE' as const, detail: 'Goal achieved: it arrived.' }
    : { success, failure_reason: 'FORBID_ZONE_HIT' as const, detail: 'it fell' };
  return {
    ...outcome,
    ...trial,
    spawn_mm: [0, 0, 0],
    end_mm: [0, 0, 0],
    seed: 0,
    engine: { name: 'mujoco', version: '3', integrator: 'RK4', timestep_s: 0.002, rules: 2 },
    jitters: [1, 2, 3, 4, 5].map((seed) => jitter(seed <= reached, seed)),
    robustness: reached / 5,
  };
}

/** The reviewer's tools over a folder of simulations, the last of which came to `result`. */
function reviewerTools({
  result,
  journal = '# Journal',
  costing = VALID,
}: {
  result?: SimulationResult | string;
  journal?: string;
  costing?: string;
}): Answers {
  return ({ name, args }) => {
    if (args['path'] === '/renders') return result ? '/renders/sim-31/\n/renders/sim-9/' : '/renders is empty';
    if (args['path'] === '/journal.md') return journal;
    if (args['path'] === '/renders/sim-31/simulation_result.json')
      return typeof result === 'string' ? result : JSON.stringify(result, null, 2);
    if (name === 'read_file') return new Error('there is no such file');
    if (name === 'inspect_media')
      return 'sim.mp4: avc1\nsim-t2.00.png · t = 2.00 s · 1.30 % moved, within x 1–2, y 3–4';
    return name === 'validate_costing_and_price' ? costing : 'done';
  };
}

const REVIEW = '/reviews/engineering-execution-review-round-1.yaml';

test('the reviewer looks at the latest simulation and approves what is robust', () => {
  const { calls, named } = playRole(
    { script: sidewaysTransfer, role: 'engineer_execution_reviewer' },
    reviewerTools({ result: resultOf(5) }),
  );
  expect(named('inspect_media')[0]?.args).toMatchObject({ path: '/renders/sim-31/sim.mp4' });
  expect(named('finish')[0]?.args).toMatchObject({
    decision: 'APPROVED',
    reason: 'Goal achieved: it arrived. All 5 jittered spawns reach it; 62.50 of 85.00 USD, 1523 of 1600 g.',
    review_path: REVIEW,
  });
  expect(parse(written(calls, REVIEW))).toMatchObject({
    round: 1,
    decision: 'APPROVED',
    checklist: {
      goal_reached: true,
      robust_under_jitter: true,
      motion_seen_in_video: true,
      scene_written_by_script: true,
    },
    evidence: { simulation_step: 31, video_inspected_in_step: named('inspect_media')[0]?.step },
  });
});

test.each([
  { why: 'a failed simulation', tools: { result: resultOf(0, false) }, reason: /FORBID_ZONE_HIT: it fell/ },
  { why: 'a simulation that is not robust', tools: { result: resultOf(3) }, reason: /^Only 3 of 5 jittered spawns/ },
  { why: 'no simulation', tools: {}, reason: /no simulation result/ },
  { why: 'a result that is none', tools: { result: '{"success": true}' }, reason: /no simulation result/ },
  { why: 'a result that is no JSON', tools: { result: 'Goal achieved' }, reason: /no simulation result/ },
  { why: 'a costing that does not hold', tools: { result: resultOf(5), costing: TOO_DEAR }, reason: /does not hold/ },
])('the reviewer rejects $why', ({ tools, reason }) => {
  const { calls, named } = playRole(
    { script: sidewaysTransfer, role: 'engineer_execution_reviewer' },
    reviewerTools(tools),
  );
  expect(named('finish')[0]?.args).toMatchObject({ decision: 'REJECTED', reason: expect.stringMatching(reason) });
  expect(parse(written(calls, REVIEW))).toMatchObject({ decision: 'REJECTED' });
});

test('the reviewer says in review and decision when no script wrote the scene', () => {
  const journal = '# Journal\n- step 20: the command did not run (no sandbox): scene.xml was written by hand.\n';
  const tools = reviewerTools({ result: resultOf(5), journal });
  const { calls, named } = playRole({ script: sidewaysTransfer, role: 'engineer_execution_reviewer' }, tools);
  expect(named('finish')[0]?.args).toMatchObject({
    decision: 'APPROVED',
    reason: expect.stringContaining('written by hand'),
  });
  expect(parse(written(calls, REVIEW))).toMatchObject({ checklist: { scene_written_by_script: false } });
});

test('the reviewer of a third round writes a third review', () => {
  const { named } = playRole(
    { script: narrowFunnel, role: 'engineer_execution_reviewer', turns: 3 },
    reviewerTools({ result: resultOf(3) }),
  );
  expect(named('finish').map(({ args }) => args['review_path'])).toEqual([
    REVIEW,
    REVIEW.replace('1', '2'),
    REVIEW.replace('1', '3'),
  ]);
});

test('the engineer without end raises the servo gain after each failure, for longer than any default budget', () => {
  const { said, calls, named } = playRole({ script: outOfBudget, role: 'engineer' }, ({ name }) =>
    name === 'simulate' ? HIT : 'done',
  );
  expect(calls.length + said.length).toBeGreaterThan(500);
  expect(named('finish')).toEqual([]);
  expect(said[3]).toMatch(/^FORBID_ZONE_HIT.*raise its gain to 22/);
  const [first, second] = named('edit_file');
  expect(written(calls, '/scene.xml')).toContain(first?.args['old_string']);
  expect(second?.args['old_string']).toBe(first?.args['new_string']);
});
