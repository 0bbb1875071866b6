// What the physics says of good scenes, and how scenes are told apart that cheat, break or never end. Physics only: no pictures.
import { describe, expect, it } from 'vitest';
import { performSimulation } from '../../../src/simulation/perform.ts';
import { CHEATS, courseBenchmark } from './cheats.ts';
import { MECHANISMS } from './mechanisms.ts';
import { dropBenchmark, dropScene, transferBenchmark, transferScene } from './scenes.ts';
import type { SceneFiles } from '../../../src/simulation/scene.ts';
import type { Benchmark } from '../../../src/schemas/simulation.ts';

async function outcomeOf(scene: SceneFiles, benchmark: Benchmark = dropBenchmark(), seed = 0) {
  const { result } = await performSimulation({ scene, benchmark, seed, render: false });
  return result;
}

const refusal = (scene: SceneFiles) =>
  outcomeOf(scene).then(
    () => 'ran',
    ({ code, message }) => ({ code, message }),
  );

/** Cheats that the engine is not let do come to nothing instead of ending the trial. */
const harmless = /did not settle/;

describe('the transfer mechanism', () => {
  it('lets the ball roll into the cable corridor when its funnel is 88 mm wide', async () => {
    const result = await outcomeOf(transferScene(88), transferBenchmark());
    expect(result).toMatchObject({ success: false, failure_reason: 'FORBID_ZONE_HIT', robustness: 0, time_s: 0.206 });
    expect(result.detail).toContain('cable_corridor');
  });

  it('brings the ball into the tray from the nominal and from all five jittered spawns when its funnel is 140 mm wide', async () => {
    const result = await outcomeOf(transferScene(140), transferBenchmark());
    expect(result).toMatchObject({ success: true, failure_reason: 'NONE', robustness: 1 });
    expect(result.detail).toBe('Goal achieved: projectile_ball reached the goal zone.');
    expect(result.time_s).toBeGreaterThan(6);
    expect(result.time_s).toBeLessThan(6.2);
    expect(result.jitters.map(({ seed }) => seed)).toEqual([1, 2, 3, 4, 5]);
    expect(new Set(result.jitters.map((trial) => trial.trajectory_sha256)).size).toBe(5);
  });

  it('leaves the ball in the paddle without its servo schedule', async () => {
    const scene = transferScene(140);
    const xml = scene.xml.replace(/<custom>.*<\/custom>/, '');
    const benchmark = { ...transferBenchmark(), duration_max_s: 2 };
    expect(await outcomeOf({ ...scene, xml }, benchmark)).toMatchObject({ failure_reason: 'TIMEOUT', time_s: 2 });
  });

  it('loses the ball without its guide', async () => {
    const scene = transferScene(140);
    const xml = scene.xml.replace(/<body name="idler_guide"[\s\S]*?<\/body>/, '');
    expect(await outcomeOf({ ...scene, xml }, transferBenchmark())).toMatchObject({ failure_reason: 'OUT_OF_BOUNDS' });
  });

  it('is the same, step by step, when the same scene is simulated again', async () => {
    const [once, again] = [await outcomeOf(dropScene()), await outcomeOf(dropScene())];
    const hashes = ({ trajectory_sha256, jitters }: typeof once) => [
      trajectory_sha256,
      ...jitters.map((trial) => trial.trajectory_sha256),
    ];
    expect(hashes(again)).toEqual(hashes(once));
  });

  it('explodes with an absurd servo gain', async () => {
    const scene = transferScene(140);
    const xml = scene.xml
      .replace('kp="20" kv="1"', 'kp="1e7" kv="0"')
      .replace(/forcerange="[^"]*"/, 'forcerange="-1e9 1e9"');
    const result = await outcomeOf({ ...scene, xml }, transferBenchmark());
    expect(result).toMatchObject({ failure_reason: 'PHYSICS_INSTABILITY' });
    expect(result.detail).toMatch(/kinetic energy.*Without its actuators it does not.*"ServoMotor_DS3218"/);
  });
});

describe('seeds', () => {
  it('start at the nominal point for 0 and within the jitter for others', async () => {
    const nominal = await outcomeOf(dropScene());
    const jittered = await outcomeOf(dropScene(), dropBenchmark(), 7);
    expect(nominal.spawn_mm).toEqual([0, 0, 60]);
    expect(jittered.spawn_mm).not.toEqual(nominal.spawn_mm);
    [3, 3, 2].forEach((range, axis) => {
      expect(Math.abs((jittered.spawn_mm[axis] ?? NaN) - (nominal.spawn_mm[axis] ?? NaN))).toBeLessThanOrEqual(range);
    });
    expect(jittered.jitters.map(({ seed }) => seed)).toEqual([36, 37, 38, 39, 40]);
  });
});

describe('the benchmark, not the scene, decides', () => {
  it('where the goal is, whatever sites the scene has', async () => {
    const site = '<site name="zone_goal" type="box" size="0.3 0.3 0.3"/>';
    const goal_zone = { min: [0.2, 0.2, 0], max: [0.25, 0.25, 0.05] } satisfies Benchmark['goal_zone'];
    const result = await outcomeOf(dropScene({ world: site }), dropBenchmark({ goal_zone, duration_max_s: 0.5 }));
    expect(result).toMatchObject({ failure_reason: 'TIMEOUT' });
  });

  it('gravity, the medium and which physics is on', async () => {
    const option = `<option gravity="0 0 -1" wind="5 0 0" density="100" viscosity="1">
      <flag gravity="disable" contact="disable"/></option>`;
    const [plain, cheated] = [await outcomeOf(dropScene()), await outcomeOf(dropScene({ option }))];
    expect(plain.success).toBe(true);
    expect(cheated.trajectory_sha256).toBe(plain.trajectory_sha256);
  });

  it.each([
    ['a smaller ball', { ball: '<geom size="0.01"/>' }, /radius of 10 mm/],
    [
      'a ball that does not collide',
      { ball: '<geom size="0.02" contype="0" conaffinity="0" mass="1"/>' },
      /one sphere geom that collides/,
    ],
    ['a hinge instead of a free joint', { joint: '<joint type="hinge"/>' }, /freejoint/],
  ])('what the payload is: %s is refused', async (_what, changes, message) => {
    expect(await refusal(dropScene(changes))).toEqual({
      code: 'invalid_argument',
      message: expect.stringMatching(message),
    });
  });

  it.each(CHEATS.map((cheat) => [cheat.name, cheat] as const))(
    'that gravity and touch alone move the payload, not %s',
    async (_name, { xml, names, goal }) => {
      const benchmark = courseBenchmark(goal ? { goal_zone: goal } : {});
      const said = await outcomeOf({ xml, files: new Map() }, benchmark).then(
        ({ success, failure_reason, detail, robustness }) => {
          expect([success, robustness]).toEqual([false, 0]);
          return `${failure_reason}: ${detail}`;
        },
        ({ code, message }) => {
          expect(code).toBe('invalid_argument');
          return message as string;
        },
      );
      expect(said).toMatch(names);
      expect(said).toMatch(harmless.test(said) ? /settle/ : /PAYLOAD_DRIVEN/);
    },
  );

  it.each(MECHANISMS.map((mechanism) => [mechanism.name, mechanism] as const))(
    'and lets %s move it',
    async (_name, { xml, benchmark = courseBenchmark() }) => {
      const result = await outcomeOf({ xml, files: new Map() }, benchmark);
      expect(result).toMatchObject({ success: true, failure_reason: 'NONE', robustness: 1 });
    },
  );

  it('where the payload is: its sphere, wherever that lies in its body', async () => {
    const ball = '<geom size="0.02" mass="0.03" pos="0.2 0 0.1"/>';
    const centred = await outcomeOf(dropScene());
    const moved = await outcomeOf(dropScene({ ball }));
    expect(moved).toMatchObject({ success: true, spawn_mm: [0, 0, 60] });
    moved.end_mm.forEach((value, axis) => expect(value).toBeCloseTo(centred.end_mm[axis] ?? NaN, 0));
    const far = dropBenchmark({ goal_zone: { min: [-0.25, -0.05, -0.2], max: [-0.15, 0.05, 0.05] } });
    expect(await outcomeOf(dropScene({ ball }), far)).toMatchObject({ failure_reason: 'TIMEOUT' });
    const zone = dropBenchmark({ forbidden_zones: { floor: { min: [-0.05, -0.05, -0.01], max: [0.05, 0.05, 0.01] } } });
    expect(await outcomeOf(dropScene({ ball }), zone)).toMatchObject({ failure_reason: 'FORBID_ZONE_HIT' });
  });
});

describe('a bad scene', () => {
  it('that is no XML is refused with the line', async () => {
    expect(await refusal({ xml: 'hello', files: new Map() })).toEqual({
      code: 'invalid_argument',
      message: expect.stringMatching(/cannot be compiled.*line number=1/i),
    });
  });

  it('that misspells an attribute is refused with element and line', async () => {
    expect(await refusal(dropScene({ world: '<geom typ="box"/>' }))).toEqual({
      code: 'invalid_argument',
      message: expect.stringMatching(/unrecognized attribute: 'typ'.*Element 'geom', line 2/),
    });
  });

  it('that names a missing mesh is refused with the file and those given', async () => {
    const rest = '<asset><mesh name="m" file="funnel.stl"/></asset>';
    const scene = { ...dropScene({ rest }), files: new Map([['tunnel.stl', new Uint8Array(84)]]) };
    expect(await refusal(scene)).toEqual({
      code: 'invalid_argument',
      message: expect.stringMatching(/'funnel\.stl'.*"tunnel\.stl"/),
    });
  });

  it('cannot read files of this machine', async () => {
    expect(await refusal(dropScene({ rest: '<include file="/etc/hostname"/>' }))).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/opening file '\/etc\/hostname'/),
    });
  });

  it('without the payload is refused with the bodies it has', async () => {
    const scene = dropScene();
    scene.xml = scene.xml.replace('name="ball"', 'name="bowl"');
    expect(await refusal(scene)).toEqual({
      code: 'invalid_argument',
      message: expect.stringMatching(/no body named "ball".*"bowl"/),
    });
  });

  it.each([
    [
      'drives nothing',
      '<custom><numeric name="arm_schedule" data="0 0"/></custom>',
      /"arm_schedule" drives no actuator/,
    ],
    [
      'runs backwards',
      '<custom><numeric name="arm_schedule" data="1 0 0.5 1"/></custom><actuator><motor name="arm" joint="arm_joint"/></actuator>',
      /rising times/,
    ],
  ])('whose schedule %s is refused', async (_what, rest, message) => {
    const arm = '<body pos="0.2 0.2 0.1"><joint name="arm_joint" type="hinge"/><geom size="0.01"/></body>';
    expect(await refusal(dropScene({ rest, world: rest.includes('<motor') ? arm : '' }))).toEqual({
      code: 'invalid_argument',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    [
      'degrees of freedom',
      '<replicate count="60" offset="0.1 0 0"><body><freejoint/><geom size="0.01"/></body></replicate>',
    ],
    ['geoms', '<replicate count="2100" offset="0.1 0 0"><geom size="0.01" contype="0"/></replicate>'],
  ])('with too many %s is refused with the limit', async (what, world) => {
    expect(await refusal(dropScene({ world }))).toEqual({
      code: 'resource_exhausted',
      message: expect.stringMatching(new RegExp(`\\d+ ${what}; at most \\d+`)),
    });
  });

  it('that asks for a huge arena is refused', async () => {
    expect(await refusal(dropScene({ rest: '<size memory="900M"/>' }))).toMatchObject({ code: 'resource_exhausted' });
  });

  it('whose parts overlap a thousandfold fails for its contacts before the first step', async () => {
    const world = `<replicate count="40" offset="0.001 0 0"><body pos="0.2 0 0.1"><freejoint/>
      <geom type="box" size="0.02 0.02 0.02"/></body></replicate>`;
    const result = await outcomeOf(dropScene({ world }));
    expect(result).toMatchObject({ failure_reason: 'STABILITY_ISSUE', steps: 0 });
    expect(result.detail).toMatch(/\d+ simultaneous contacts, at most 1000/);
  });

  it('without a floor loses the payload', async () => {
    expect(await outcomeOf(dropScene({ floor: false }))).toMatchObject({ failure_reason: 'OUT_OF_BOUNDS' });
  });

  it('on which the engine gives up leaves nothing behind: each simulation compiles in an engine of its own', async () => {
    // Its arena is too small for the contacts of a pile, which the engine throws of. One engine that has caught nine such fails to compile the next scene.
    const world = `<replicate count="12" offset="0 0 .1"><body pos=".2 0 .1"><freejoint/><geom type="box" size=".05 .05 .05"/></body></replicate>`;
    const bad = dropScene({ rest: '<size memory="60K"/>', world });
    const ended: string[] = [];
    for (let time = 0; time < 4; time++) ended.push((await outcomeOf(bad)).failure_reason);
    expect(ended).toEqual(Array(4).fill('ARENA_FULL'));
    expect(await outcomeOf(dropScene())).toMatchObject({ success: true, robustness: 1 });
  });
});
